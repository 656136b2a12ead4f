// blocked-child.ts URL QUEUE: a process that consumes the notes of a queue until it is killed. Note 0 blocks its event loop
// until the time that its text says. Prints `ready`, `held` when it holds two messages, `blocked` when it stands still,
// `handled N` and `cancelled N`.
import { connect, on } from '../../../src/index.js'
import { note } from '../../strategies/recorder.js'

const [url, queue] = process.argv.slice(2) as [string, string]
const mq = await connect({ url, logger: false })
const print = (line: string) => void process.stdout.write(`${line}\n`)
const consumer = await mq.consume(queue, [
  on(note, ({ payload: { n, text } }) => {
    print(n === 0 ? 'blocked' : `handled ${n}`)
    const end = Number(text)
    while (n === 0 && Date.now() < end);
  }),
])
print('ready')
mq.on('dropped', () => print(`cancelled ${consumer.stats().cancelled}`))
const looking = setInterval(() => {
  if (consumer.stats().held < 2) return
  print('held')
  clearInterval(looking)
}, 10)
