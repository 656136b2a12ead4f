import type { ConsumeMessage } from 'amqplib'
import { describe, expect, test, type TestContext } from 'vitest'
import { connect, on, onAny, type Delivery, type Dueque } from '../../../src/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { open, rawChannel } from '../../support/mq.js'
import { ascending, numbers, scheduleNotes } from '../../support/numbered-notes.js'
import { useVersionBefore, whyWithout, type VersionBefore } from '../../support/version-before.js'

/** The last version without recurring messages. */
const BEFORE = '298887c'
/** The last version whose ticks are for one occurrence each. */
const TICK_EACH = 'ca42e31'
/** So many schedules of each second that the windows of some end in a while. */
const MANY = 12
const COUNT = 100
const LIMIT = 4

const why = whyWithout(BEFORE)
const whyEach = whyWithout(TICK_EACH)
const vhost = useVhost()
let versionBefore: () => VersionBefore

/** An occurrence, as a consumer of either version gets it: that version knows no `scheduledFor`. */
type Seen = Pick<Delivery, 'id' | 'attempt'> & { readonly at: number }

/** That version, and a process of this one that runs the ticker and consumes a queue of its own. */
async function openBoth({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const options = { url: vhost.url, namespace: unique('both'), logger: false } as const
  const [before, now] = await Promise.all([versionBefore().connect(options), connect(options)])
  onTestFinished(async () => {
    await Promise.all([before, now].map((mq) => mq.close({ drainTimeoutMs: 2000 })))
  })
  await now.consume(unique('idle'), [onAny(() => undefined)])
  // Declares what there is to declare, which takes seconds on a busy machine.
  await now.recurring.set('first', { ...every(unique('first')), limit: 1, declare: true })
  const seen: Seen[] = []
  const see = ({ id, attempt }: Seen | Delivery) => void seen.push({ id, attempt, at: Date.now() })
  return { before, now, queue: unique('compat'), seen, see }
}

/** When a schedule is set by then, on a busy machine too. */
const soon = () => new Date(Date.now() + 5000)
const every = (queue: string) =>
  ({ message: note, payload: { n: -1 }, to: { queue }, every: '1s', catchUp: 'all' }) as const
const idsOf = (id: string, from: Date) =>
  Array.from({ length: LIMIT }, (_, n) => `${id}@${new Date(from.getTime() + n * 1000).toISOString()}`)
const timeOf = ({ id }: Seen) => Date.parse(id.slice(id.indexOf('@') + 1))

describe.skipIf(why !== '').concurrent(`beside the last version without recurring messages${why}`, () => {
  versionBefore = useVersionBefore(BEFORE)

  test('that version consumes the occurrences, beside its own messages: none is lost, early or handled twice', async (context) => {
    const { before, now, queue, seen, see } = await openBoth(context)
    const plain: number[] = []
    const handler = on(note, (delivery) => {
      if (delivery.payload.n < 0) see(delivery)
      else plain.push(delivery.payload.n)
    })
    await before.consume(queue, [handler])
    const from = soon()
    await now.recurring.set(queue, { ...every(queue), from, limit: LIMIT })
    await Promise.all([scheduleNotes(before, queue, COUNT, 0), scheduleNotes(now, queue, COUNT, COUNT)])
    await poll(() => seen.length >= LIMIT && plain.length >= 2 * COUNT, {
      timeoutMs: 30_000,
      what: 'all messages',
    })
    expect(seen.map(({ id }) => id).sort()).toEqual(idsOf(queue, from))
    expect(seen.filter((one) => one.at < timeOf(one))).toEqual([])
    expect(plain.toSorted(ascending)).toEqual(numbers(2 * COUNT))
  })

  test('both consume the queue of a schedule; a retry of that version is still an occurrence', async (context) => {
    const { before, now, queue, seen, see } = await openBoth(context)
    const retry = { backoff: '1s', jitter: 'none' } as const
    let failures = 0
    const failing = on(note, () => {
      failures++
      throw new Error('not yet')
    })
    await before.consume(queue, [failing], { retry, prefetch: 1 })
    const from = soon()
    await now.recurring.set(queue, { ...every(queue), from, limit: LIMIT })
    await poll(() => failures > 0, { timeoutMs: 30_000, what: 'an attempt of that version' })
    const times: unknown[] = []
    const handler = on(note, (delivery) => {
      times.push(delivery.scheduledFor?.getTime())
      see(delivery)
    })
    await now.consume(queue, [handler])
    await before.close()
    await poll(() => seen.length >= LIMIT, { timeoutMs: 30_000, what: 'all occurrences' })
    expect(seen.map(({ id }) => id).sort()).toEqual(idsOf(queue, from))
    expect(times).toEqual(seen.map(timeOf))
    expect(Math.max(...seen.map(({ attempt }) => attempt))).toBeGreaterThan(1)
  })

  test('a removal stops the occurrences at that version, which leaves the ticks alone', async (context) => {
    const { before, now, queue, seen, see } = await openBoth(context)
    await before.consume(queue, [on(note, see)])
    await now.recurring.set(queue, { ...every(queue), from: soon() })
    await poll(() => seen.length >= 2, { timeoutMs: 30_000, what: 'two occurrences' })
    expect(now.health().recurring?.state).toBe('active')
    await now.recurring.remove(queue)
    const removedAt = Date.now()
    await poll(() => Date.now() > removedAt + 8000, { what: 'a while', timeoutMs: 20_000 })
    // That version reads the record of the removal when it comes.
    expect(seen.filter((one) => timeOf(one) > removedAt + 4000)).toEqual([])
    const isBefore = (time: number) => time <= removedAt
    const times = seen.map(timeOf).filter(isBefore).sort(ascending)
    expect(times).toEqual(times.map((_, n) => times[0]! + n * 1000))
  })
})

describe.skipIf(whyEach !== '')(`beside the last version whose ticks are for one occurrence each${whyEach}`, () => {
  const tickEach = useVersionBefore(TICK_EACH)

  /** The occurrences of a queue, without what a consumer does about copies. */
  async function countedOn(queue: string) {
    const seen: { id: string; at: number }[] = []
    const count = (message: ConsumeMessage | null) =>
      void seen.push({ id: String(message?.properties.messageId), at: Date.now() })
    const channel = await rawChannel(vhost.url)
    await channel.consume(queue, count, { noAck: true })
    return seen
  }

  test('tickers of both versions take over from each other: no occurrence is lost, early or there twice', async ({
    onTestFinished,
  }) => {
    const namespace = unique('windows')
    const [options, queue] = [{ url: vhost.url, namespace, logger: false } as const, unique('counted')]
    const setter = await open(vhost.url, { namespace, recurring: false })
    const ids = Array.from({ length: MANY }, (_, n) => unique(`w${n}`))
    // Declares what there is to declare.
    await setter.recurring.set('first', { ...every(queue), limit: 1, declare: true })
    const seen = await countedOn(queue)
    const from = soon()
    let until = from.getTime()
    const through = async (ms: number) => {
      until += ms
      const isThere = (id: string) => seen.some((one) => one.id === `${id}@${new Date(until).toISOString()}`)
      await poll(() => ids.every(isThere), { timeoutMs: ms + 30_000, what: `the occurrences of ${ms} ms` })
    }
    let active: Dueque | undefined
    onTestFinished(() => active?.close())
    const takeOver = async (next: Dueque) => {
      await next.consume(unique('idle'), [onAny(() => undefined)])
      await active?.close()
      active = next
      // Without its bookmark, the next one would schedule the occurrences of minutes again.
      const hasBookmark = () => next.health().recurring?.repairedAt !== undefined
      await poll(hasBookmark, { timeoutMs: 60_000, what: 'another ticker' })
    }
    await takeOver(await tickEach().connect(options))
    await Promise.all(ids.map((id) => setter.recurring.set(id, { ...every(queue), from })))
    const versions: VersionBefore['connect'][] = [connect, (options) => tickEach().connect(options), connect]
    for (const connectNext of versions) {
      await through(15_000)
      await takeOver(await connectNext(options))
    }
    await through(75_000)
    await active?.close()
    for (const id of ids) {
      const own = seen.filter((one) => one.id.startsWith(`${id}@`))
      const times = own.map((one) => Date.parse(one.id.slice(id.length + 1))).sort(ascending)
      expect(times, id).toEqual(times.map((_, n) => from.getTime() + n * 1000))
    }
    expect(seen.filter((one) => one.at < Date.parse(one.id.slice(one.id.indexOf('@') + 1)))).toEqual([])
  }, 300_000)
})
