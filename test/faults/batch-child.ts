// batch-child.ts FILE QUEUE URL: a consumer of batches in its own process. It prints `ready`, and appends to FILE a line for
// each handler that starts: number, due time and time, in milliseconds. The text of a message says what its handler does:
// `poison` ends the process a moment later, `stuck` never ends.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, on } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

const [file, queue, url] = process.argv.slice(2) as [string, string, string]
const log = openSync(file, 'a')
const mq = await connect({ url, logger: false })
const handler = on(note, async ({ payload: { n, text }, dueAt }) => {
  writeSync(log, `${n} ${dueAt.getTime()} ${Date.now()}\n`)
  if (text === 'stuck') await new Promise(() => undefined)
  if (text !== 'poison') return
  await pause(300)
  process.kill(process.pid, 'SIGKILL')
})
await mq.consume(queue, [handler], { batches: true })
process.stdout.write('ready\n')
