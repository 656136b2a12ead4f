import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { say } from '../scripts/broker/say.js'
import { connectRaw, declareQuorum, type Broker } from './broker.js'
import type { FileRequest, FileRun } from './file-producer.js'
import { bodyOf, BODY_BYTES } from './load.js'
import { median, MIB } from './numbers.js'
import type { Options } from './options.js'
import type { Result, Row } from './report.js'

const PRODUCER = fileURLToPath(new URL('file-producer.ts', import.meta.url))
const QUEUE = 'bench.file'
const LINES_AT_ONCE = 1000

/** A file of many messages, all of which are due at one instant, in batches and without, in turns. */
export async function file(broker: Broker, options: Options): Promise<Result> {
  const { count = 1_000_000, rounds = 1, inFlight = 2000 } = options
  const folder = await mkdtemp(join(tmpdir(), 'dueque-bench-'))
  const path = join(folder, 'messages.ndjson')
  const runs: FileRun[] = []
  try {
    await writeMessages(path, count)
    await declareQueues(broker)
    for (let round = 1; round <= rounds; round++)
      for (const batch of [true, false]) {
        const run = await runProducer({ url: broker.url, queue: QUEUE, path, inFlight, batch })
        say(`  round ${round}, ${batch ? 'in batches' : 'one by one'}: ${run.seconds.toFixed(1)} s`)
        runs.push(run)
      }
  } finally {
    await rm(folder, { recursive: true })
  }
  const rows = [true, false].map((batch) =>
    rowOf(
      batch,
      runs.filter((run) => run.batch === batch),
    ),
  )
  return {
    settings: { count, rounds, inFlight, bodyBytes: BODY_BYTES, due: 'in an hour, all at one instant' },
    rows,
    notes: [
      'from the first byte of the file to the last confirm; medians of the rounds; heap: the most that was in use, garbage included',
    ],
    details: runs,
  }
}

async function writeMessages(path: string, count: number): Promise<void> {
  const lines = function* () {
    for (let n = 0; n < count; n += LINES_AT_ONCE) {
      const some = Array.from({ length: Math.min(LINES_AT_ONCE, count - n) }, (_, i) => `${bodyOf(n + i).toString()}\n`)
      yield some.join('')
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path))
}

async function declareQueues(broker: Broker): Promise<void> {
  const model = await connectRaw(broker)
  const channel = await model.createChannel()
  for (const queue of [QUEUE, `${QUEUE}.batches`]) await declareQuorum(channel, queue)
  await model.close()
}

/** In a process of its own, whose memory nothing else uses. */
async function runProducer(request: FileRequest): Promise<FileRun> {
  const child = fork(PRODUCER, [JSON.stringify(request)])
  const told = once(child, 'message') as Promise<[FileRun]>
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the producer ended: ${String(code)}`)
  })
  ended.catch(() => undefined)
  const [run] = await Promise.race([told, ended])
  await ended.catch(() => undefined)
  return run
}

function rowOf(batch: boolean, runs: readonly FileRun[]): Row {
  const of = (value: (run: FileRun) => number) => median(runs.map(value))
  return {
    how: batch ? 'in batches' : 'one by one',
    messages: runs[0]!.scheduled,
    seconds: of(({ seconds }) => seconds),
    'msgs/s': of(({ scheduled, seconds }) => scheduled / seconds),
    'CPU µs/msg': of(({ cpuMicros }) => cpuMicros),
    'heap at the start MiB': of(({ heapBefore }) => heapBefore) / MIB,
    'heap MiB': of(({ heapMost }) => heapMost) / MIB,
    'RSS MiB': of(({ rssMost }) => rssMost) / MIB,
  }
}
