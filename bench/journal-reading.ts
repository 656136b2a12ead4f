import { connect as connectRaw } from 'amqplib'
import { connect, ladder } from 'dueque'
import { parseEndpoints } from '../src/amqp/connection/endpoint.js'
import { Names } from '../src/amqp/topology/names.js'
import { encodeEntry } from '../src/journal/journal-record.js'
import type { JournalView } from '../src/journal/view/journal-view.js'
import { WaitingIndex } from '../src/journal/waiting/waiting-index.js'
import { withJournal } from '../src/journal/with-journal.js'
import { GRACE_MS } from '../src/log/horizons.js'
import type { DelayedMessage } from '../src/message/delayed-message.js'
import { resolveOptions } from '../src/options.js'
import type { Broker } from './broker.js'
import { MIB, spreadOf } from './numbers.js'
import type { Options } from './options.js'
import type { Result, Row } from './report.js'

const NAMESPACE = 'bench'
const RECORDS_IN_ONE = 256
const HOUR_MS = 3_600_000
const QUEUES = 20
const LOOK_UPS = 1000
const WHOLE_MESSAGES = 500

/** How long readers of a large journal take, and how much memory its index takes. */
export async function journalReading(broker: Broker, options: Options): Promise<Result> {
  const { count = 1_000_000 } = options
  const index = measureIndex(count)
  await fillJournal(broker.url, NAMESPACE, count)
  const reading = await measureReading(broker.url, count)
  return {
    settings: { count, id: '40 bytes', body: '150 bytes' },
    rows: [...index, ...reading],
    notes: [
      'cold: a reader that opens the journal and reads all of it; warm: the index that has read it',
      'whole message: found in the index, and read from its stream',
    ],
  }
}

function row(measure: string, value: number, unit: string, target = ''): Row {
  return { measure, value, unit, target }
}

/** The index alone, without a broker. */
function measureIndex(count: number): Row[] {
  const now = Date.now()
  const index = new WaitingIndex({ now: () => now, graceMs: GRACE_MS })
  let most = 0
  const [addMs] = timedNow(() => {
    for (let n = 0; n < count; n++) {
      index.take({ message: journalled(n, now), written: n }, { stream: 1, offset: Math.floor(n / 64), line: n % 64 })
      // The first segments are mostly empty.
      if (n % 10_000 === 0 && n > count / 10) most = Math.max(most, index.bytes / (n + 1))
    }
  })
  const lookUps = Array.from({ length: LOOK_UPS }, () => timedNow(() => index.find(anId(count)))[0])
  return [
    row('index, an entry', index.bytes / count, 'B', '300'),
    row('index, an entry, at most while it grows', most, 'B', '300'),
    row('index, to add an entry', (addMs / count) * 1000, 'µs'),
    row('index, look-up, p99', spreadOf(lookUps).p99, 'ms', '1'),
    row('index, count', timedNow(() => index.count({}))[0], 'ms'),
    row('index, list of 1000', timedNow(() => index.list({}, { limit: 1000 }))[0], 'ms'),
  ]
}

async function measureReading(url: string, count: number): Promise<Row[]> {
  const settings = resolveOptions({ url, logger: false })
  const operator = { ...settings, endpoints: parseEndpoints(url), names: new Names(NAMESPACE) }
  const known = { name: 'bench.name-3', destination: { queue: 'bench-3' } }
  const filter = { ...known, headers: { tenant: 'tenant-3' } }
  const [coldListMs] = await timed(() => withJournal(operator, (journal) => journal.list(filter, { limit: 100 })))
  return withJournal(operator, async (journal) => {
    const before = process.cpuUsage()
    const [coldCountMs, counted] = await timed(() => journal.count({}))
    const { user, system } = process.cpuUsage(before)
    if (counted !== count) throw new Error(`counted ${counted} of ${count}`)
    const rss = process.memoryUsage.rss()
    const whole = spreadOf(await wholeMessages(journal, count))
    return [
      row('cold list of 100, filtered', coldListMs, 'ms', '30000'),
      row('cold count', coldCountMs, 'ms', '30000'),
      row('cold count, processor time', (user + system) / 1000, 'ms'),
      row('cold count, memory of the process', rss / MIB, 'MiB'),
      row('warm count', (await timed(() => journal.count({})))[0], 'ms'),
      row('warm list of 100, filtered', (await timed(() => journal.list(known, { limit: 100 })))[0], 'ms'),
      row('whole message, p50', whole.p50, 'ms'),
      row('whole message, p99', whole.p99, 'ms', '30'),
    ]
  })
}

async function wholeMessages(journal: JournalView, count: number): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < WHOLE_MESSAGES; n++) {
    const [ms, found] = await timed(() => journal.find(anId(count)))
    if (!found[0]?.body) throw new Error('a message was not found')
    times.push(ms)
  }
  return times
}

/** Writes entries without messages, as a busy producer joins them. */
async function fillJournal(url: string, namespace: string, count: number): Promise<void> {
  const mq = await connect({ url, namespace, strategy: ladder({ journal: true }) })
  // Resolves when the streams are declared.
  await mq.count()
  await mq.close()
  const model = await connectRaw(url, { noDelay: true })
  const channel = await model.createConfirmChannel()
  const now = Date.now()
  for (let n = 0; n < count;) {
    const lines = []
    for (; n < count && lines.length < RECORDS_IN_ONE; n++)
      lines.push(encodeEntry(journalled(n, now), now * 1000 + n, true))
    const timestamp = Math.floor(Date.now() / 1000)
    channel.publish(`${namespace}.v1.journal`, '8h', Buffer.from(lines.join('\n')), { persistent: true, timestamp })
    if (n % (RECORDS_IN_ONE * 100) === 0) await channel.waitForConfirms()
  }
  await channel.waitForConfirms()
  await model.close()
}

/** One of the messages of a filled journal. Its id has 40 bytes, its body 150. */
function journalled(n: number, now: number): DelayedMessage {
  return {
    id: idOf(n),
    name: `bench.name-${n % 5}`,
    version: 1,
    body: Buffer.from(JSON.stringify({ n, text: 'x'.repeat(130) })),
    destination: { queue: `bench-${n % QUEUES}` },
    dueAt: now + HOUR_MS + ((n * 7919) % (6 * HOUR_MS)),
    scheduledAt: now,
    expiresAt: undefined,
    revision: now * 1000 + n,
    attempt: 1,
    headers: { tenant: `tenant-${n % 100}` },
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
  }
}

function idOf(n: number): string {
  return `bench-${String(n).padStart(34, '0')}`
}

function anId(count: number): string {
  return idOf(Math.floor(Math.random() * count))
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, answer: T]> {
  const before = performance.now()
  const answer = await work()
  return [performance.now() - before, answer]
}

function timedNow<T>(work: () => T): [ms: number, answer: T] {
  const before = performance.now()
  const answer = work()
  return [performance.now() - before, answer]
}
