// cancellation-child.ts FILE QUEUE URL…: a consumer in its own process. It prints `ready`, and appends to FILE a line for each
// handler that starts: number, due time and time, in milliseconds, and the id of the process. A written line outlives kill -9. SIGTERM closes it; then
// it prints its stats as JSON.
import { openSync, writeSync } from 'node:fs'
import { connect, on } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

const [file, queue, ...url] = process.argv.slice(2) as [string, string, ...string[]]
const log = openSync(file, 'a')
const mq = await connect({ url, logger: false, waitMs: 120_000 })
const handler = on(note, ({ payload: { n }, dueAt }) => {
  writeSync(log, `${n} ${dueAt.getTime()} ${Date.now()} ${process.pid}\n`)
})
const consumer = await mq.consume(queue, [handler])
process.once('SIGTERM', () => {
  void mq.close({ drainTimeoutMs: 5000 }).then(() => {
    process.stdout.write(`${JSON.stringify(consumer.stats())}\n`, () => process.exit())
  })
})
process.stdout.write('ready\n')
