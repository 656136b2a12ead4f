// What reading a journal takes: journal-reading.ts URL [COUNT] [NAMESPACE]. It fills a journal, unless the namespace is given.
import { connect as connectRaw } from 'amqplib'
import { parseEndpoints } from '../src/amqp/connection/endpoint.js'
import { Names } from '../src/amqp/topology/names.js'
import { ladder, connect } from '../src/index.js'
import { encodeEntry } from '../src/journal/journal-record.js'
import { WaitingIndex } from '../src/journal/waiting/waiting-index.js'
import type { JournalView } from '../src/journal/view/journal-view.js'
import { withJournal } from '../src/journal/with-journal.js'
import { GRACE_MS } from '../src/log/horizons.js'
import type { DelayedMessage } from '../src/message/delayed-message.js'
import { resolveOptions } from '../src/options.js'

const RECORDS_IN_ONE = 64
const HOUR_MS = 3_600_000
const QUEUES = 20

/** One of the messages of a filled journal. Its id has 40 bytes, its body 150. */
export function journalled(n: number, now: number): DelayedMessage {
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

export function idOf(n: number): string {
  return `bench-${String(n).padStart(34, '0')}`
}

/** Writes entries without messages, as a busy producer joins them. */
export async function fillJournal(url: string, namespace: string, count: number): Promise<void> {
  const mq = await connect({ url, namespace, strategy: ladder({ journal: true }) })
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

/** What the readers of a filled journal need. Milliseconds, but for the bytes. */
export interface JournalReadingTimes {
  coldCountMs: number
  coldListMs: number
  warmCountMs: number
  warmListMs: number
  /** Of this process, for the cold count. */
  cpuMs: number
  wholeP50Ms: number
  wholeP99Ms: number
  rss: number
}

export async function readJournal(url: string, namespace: string, count: number): Promise<JournalReadingTimes> {
  const settings = resolveOptions({ url, logger: false })
  const operator = { ...settings, endpoints: parseEndpoints(url), names: new Names(namespace) }
  const filter = { name: 'bench.name-3', destination: { queue: 'bench-3' }, headers: { tenant: 'tenant-3' } }
  const cold = <T>(work: (journal: JournalView) => Promise<T>) => timed(() => withJournal(operator, work))
  const [coldListMs] = await cold((journal) => journal.list(filter, { limit: 100 }))
  return withJournal(operator, async (journal) => {
    const before = process.cpuUsage()
    const [coldCountMs, counted] = await timed(() => journal.count({}))
    const { user, system } = process.cpuUsage(before)
    const cpuMs = (user + system) / 1000
    if (counted !== count) throw new Error(`counted ${counted} of ${count}`)
    const rss = process.memoryUsage.rss()
    const [warmCountMs] = await timed(() => journal.count({}))
    const { headers: _, ...known } = filter
    const [warmListMs] = await timed(() => journal.list(known, { limit: 100 }))
    const whole: number[] = []
    for (let n = 0; n < 500; n++) {
      const [ms, found] = await timed(() => journal.find(idOf(Math.floor(Math.random() * count))))
      if (!found[0]?.body) throw new Error('a message was not found')
      whole.push(ms)
    }
    whole.sort((a, b) => a - b)
    const [wholeP50Ms, wholeP99Ms] = [whole[250]!, whole[495]!]
    return { coldCountMs, coldListMs, warmCountMs, warmListMs, cpuMs, wholeP50Ms, wholeP99Ms, rss }
  })
}

/** The index alone: how many bytes an entry takes, also while it grows, and how long a look-up by id takes. */
export function measureIndex(count: number): {
  bytesEach: number
  peakBytesEach: number
  addUs: number
  lookUpMs: number
  countMs: number
  listMs: number
} {
  const now = Date.now()
  const index = new WaitingIndex({ now: () => now, graceMs: GRACE_MS })
  const before = performance.now()
  let peak = 0
  for (let n = 0; n < count; n++) {
    index.take({ message: journalled(n, now), written: n }, { stream: 1, offset: Math.floor(n / 64), line: n % 64 })
    if (n % 10_000 === 0) peak = Math.max(peak, n > count / 10 ? index.bytes / (n + 1) : 0)
  }
  const addUs = ((performance.now() - before) / count) * 1000
  const time = (work: () => unknown) => {
    const from = performance.now()
    work()
    return performance.now() - from
  }
  const lookUps = Array.from({ length: 1000 }, () => time(() => index.find(idOf(Math.floor(Math.random() * count)))))
  lookUps.sort((a, b) => a - b)
  return {
    bytesEach: index.bytes / count,
    peakBytesEach: peak,
    addUs,
    lookUpMs: lookUps[990]!,
    countMs: time(() => index.count({})),
    listMs: time(() => index.list({}, { limit: 1000 })),
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, answer: T]> {
  const before = performance.now()
  const answer = await work()
  return [performance.now() - before, answer]
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const [url, count = '1000000', given] = process.argv.slice(2) as [string, string?, string?]
  console.log('index alone', measureIndex(Number(count)))
  const namespace = given ?? `bench-${Date.now()}`
  if (!given) {
    const [ms] = await timed(() => fillJournal(url, namespace, Number(count)))
    console.log('filled', namespace, Math.round(ms), 'ms')
  }
  console.log(await readJournal(url, namespace, Number(count)))
}
