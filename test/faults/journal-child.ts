// journal-child.ts URL NAMESPACE QUEUE FROM: schedules notes from FROM on, each in 8 s, and prints the number of each that is
// confirmed, until it is killed.
import { connect, ladder } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

const [url, namespace, queue, from] = process.argv.slice(2) as [string, string, string, string]
const mq = await connect({ url, namespace, strategy: ladder({ journal: true }), logger: false })
let next = Number(from)

async function work(): Promise<void> {
  for (;;) {
    const n = next++
    await mq.schedule(note, { n }, { to: { queue }, in: 8000 })
    process.stdout.write(`${n}\n`)
  }
}

await Promise.all(Array.from({ length: 50 }, work))
