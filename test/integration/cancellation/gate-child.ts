import { startGate } from '../../../src/index.js'

/** A gate in a process of its own: url, from, to. Prints a line when it runs. */
const [url, from, to] = process.argv.slice(2)
await startGate({ url: url!, from: from!, to: to!, prefetch: 20 })
console.log('running')
