import { connect, type Receipt } from 'dueque'
import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import type { Broker } from './broker.js'
import { cancellationReader, type CancellationReader } from './cancellation-readers.js'
import { writeRecords, type Written } from './cancellation-writer.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import type { Result, Row } from './report.js'

const DAY_MS = 86_400_000
/** Of which nothing is known: cancellations need no message. */
const DESTINATION = { queue: 'bench.cancellations' }
const MB = 1e6

/** What a log of cancellations costs: a consumer that starts with many of them, and those who cancel. */
export async function cancellations(broker: Broker, options: Options): Promise<Result> {
  const { count = 1_000_000, rate = 100, seconds = 30 } = options
  const kinds = [
    { what: 'live records, one to a publish', namespace: 'live', joined: 1, isDead: false },
    { what: 'live records, 64 to a publish', namespace: 'joined', joined: 64, isDead: false },
    { what: 'dead records, one to a publish', namespace: 'dead', joined: 1, isDead: true },
  ]
  const starts: Row[] = []
  for (const { what, ...written } of kinds) starts.push(...(await startRows(broker, what, { ...written, count })))
  const calm = await calmRows(broker, rate, seconds)
  const bulk = await bulkRow(broker, Math.min(count, 100_000))
  return {
    settings: { count, rate, seconds },
    rows: [...starts, ...calm, bulk],
    notes: [
      `live records are due within a day; dead ones were due before the grace of a day`,
      'start: until consume() resolves, which gives up after 30 s. RSS: its peak until a second later, over that of a consumer without cancellations',
    ],
  }
}

function row(measure: string, value: number, unit: string, target = ''): Row {
  return { measure, value, unit, target }
}

async function startRows(broker: Broker, what: string, written: Written): Promise<Row[]> {
  await firstCancel(broker, written.namespace)
  const writeSeconds = await writeRecords(broker, written)
  say(`  ${written.count} ${what} written in ${writeSeconds.toFixed(1)} s`)
  await sleep(1000)
  const reader = await cancellationReader(broker.url)
  // One is that of the first cancellation.
  const expected = written.isDead ? 1 : written.count + 1
  const { seconds, allSeconds, idleRss, peakRss, pauseMs } = await reader.start(written.namespace, expected)
  await reader.end()
  return [
    row(`${what}: start`, seconds, 's', '30'),
    row(`${what}: all are known`, Math.max(seconds, allSeconds), 's'),
    row(`${what}: read`, written.count / Math.max(seconds, allSeconds), '/s'),
    row(`${what}: RSS over idle`, (peakRss - idleRss) / MB, 'MB', '110'),
    row(`${what}: longest pause`, pauseMs, 'ms'),
  ]
}

/** Declares the streams. */
async function firstCancel(broker: Broker, namespace: string): Promise<void> {
  const mq = await connect({ url: broker.url, namespace })
  await mq.cancel(receiptIn(DAY_MS))
  await mq.close()
}

function receiptIn(ms: number): Receipt {
  const dueAt = new Date(Date.now() + ms).toISOString()
  return { id: randomUUID(), dueAt, revision: Date.now() * 1000 + randomInt(1000), destination: DESTINATION }
}

/** Single cancellations at a rate at which nothing waits, with two consumers. */
async function calmRows(broker: Broker, rate: number, seconds: number): Promise<Row[]> {
  const namespace = 'calm'
  await firstCancel(broker, namespace)
  const readers = await Promise.all([cancellationReader(broker.url), cancellationReader(broker.url)])
  for (const reader of readers) await reader.start(namespace, 1)
  for (const reader of readers) await reader.watch()
  const mq = await connect({ url: broker.url, namespace })
  const [confirmMs, confirmedAt]: [number[], number[]] = [[], []]
  const startedAt = performance.now()
  for (let n = 0; n < rate * seconds; n++) {
    await sleep(startedAt + (n * 1000) / rate - performance.now())
    const before = performance.now()
    await mq.cancel(receiptIn(DAY_MS / 2))
    confirmMs.push(performance.now() - before)
    confirmedAt.push(performance.timeOrigin + performance.now())
  }
  const knownMs = await knownAfter(readers, confirmedAt)
  await mq.close()
  await Promise.all(readers.map((reader) => reader.end()))
  const [confirm, known] = [spreadOf(confirmMs), spreadOf(knownMs)]
  return [
    row('confirm of a cancel: p50', confirm.p50, 'ms'),
    row('confirm of a cancel: p99', confirm.p99, 'ms', '20'),
    row('confirm to both consumers: p50', known.p50, 'ms'),
    row('confirm to both consumers: p99', known.p99, 'ms', '30'),
  ]
}

/** How long after each confirm the last consumer knew of it. The first record is that of {@link firstCancel}. */
async function knownAfter(readers: readonly CancellationReader[], confirmedAt: readonly number[]): Promise<number[]> {
  await sleep(1000)
  const seen = await Promise.all(readers.map((reader) => reader.seen()))
  return confirmedAt.map((at, n) => {
    const knownAt = seen.map((one) => one.find(([records]) => records >= n + 2)?.[1] ?? Infinity)
    return Math.max(...knownAt, at) - at
  })
}

async function bulkRow(broker: Broker, count: number): Promise<Row> {
  const mq = await connect({ url: broker.url, namespace: 'bulk' })
  await mq.cancel(receiptIn(DAY_MS))
  const receipts = Array.from({ length: count }, () => receiptIn(randomInt(60_000, DAY_MS)))
  const before = performance.now()
  const { cancelled, failures } = await mq.cancelAll(receipts)
  const seconds = (performance.now() - before) / 1000
  await mq.close()
  if (cancelled !== count) throw new Error(`${cancelled} of ${count} were cancelled`, { cause: failures[0]?.error })
  return row('cancelAll', count / seconds, '/s', '10000')
}
