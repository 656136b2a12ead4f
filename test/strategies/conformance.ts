import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isDuequeError, on, type Dueque } from '../../src/index.js'
import { poll } from '../support/broker.js'
import { Recorder, note, scheduleNotes, unique, type Note } from './recorder.js'
import { CANCELLATION_CASES } from './cancellation-cases.js'
import { DEFINITION_CASES } from './definition-cases.js'
import { JOURNAL_CASES } from './journal-cases.js'
import { VIEW_CASES } from './view-cases.js'
import { WAITLIST_CASES } from './waitlist-cases.js'
import type { Subject, World } from './world.js'

export type Case = (world: World, mq: Dueque) => Promise<void>

/** The cases that every strategy must pass, by title. */
const CASES: Record<string, Case> = {
  'messages are delivered once, and not before they are due': async (world, mq) => {
    const queue = unique('due')
    const delays = [0, 1, 10, 55, 250, 500, 999, 1000, 1001, 1234, 2000, 2345, 3000]
    await scheduleNotes(mq, queue, delays)
    const raw = await Recorder.on(await world.connect(), queue)
    await raw.has(delays.length)
    expect(raw.early).toEqual([])
    expect(raw.numbers.toSorted((a, b) => a - b)).toEqual(delays.map((_, n) => n))
  },

  'a message is not in the queue before it is due': async (world, mq) => {
    const queue = unique('look')
    const [receipt] = await scheduleNotes(mq, queue, [1500])
    const dueAt = Date.parse(receipt!.dueAt)
    await poll(async () => (await world.depth(queue)) > 0, { timeoutMs: 30_000, what: 'the message' })
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt)
  },

  'messages arrive in due order beyond limits.orderMs': async (_world, mq) => {
    const queue = unique('order')
    const step = mq.strategy.limits.orderMs + 100
    // None is due before all of them are scheduled, even on a busy machine.
    const delays = [3, 1, 2, 0].map((place) => 3000 + place * step)
    await scheduleNotes(mq, queue, delays)
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(4)
    expect(recorder.numbers).toEqual([3, 1, 2, 0])
  },

  'an overdue message is delivered at once': async (world, mq) => {
    const queue = unique('past')
    await world.declareQueue(queue)
    const recorder = await Recorder.on(mq, queue)
    await mq.schedule(note, { n: 0 }, { to: { queue }, in: 0 })
    await mq.schedule(note, { n: 1 }, { to: { queue }, at: new Date(Date.now() - 86_400_000) })
    await mq.schedule(note, { n: 2 }, { to: { queue }, at: new Date(0) })
    await recorder.has(3)
    expect(recorder.numbers.toSorted()).toEqual([0, 1, 2])
  },

  'takes delays up to its limit and refuses one millisecond more': async (world, mq) => {
    const queue = unique('limit')
    const { maxDelayMs } = mq.strategy.limits
    const [longest] = await scheduleNotes(mq, queue, [maxDelayMs])
    expect(Date.parse(longest!.dueAt)).toBeGreaterThan(Date.now() + maxDelayMs - 60_000)
    const refused = await mq.schedule(note, { n: 1 }, { to: { queue }, in: maxDelayMs + 1 }).catch((e: unknown) => e)
    expect(isDuequeError(refused, 'DELAY_OUT_OF_RANGE') && refused.outcome).toBe('refused')
    expect(await world.depth(queue)).toBe(0)
  },

  'body, headers, properties and routing key arrive unchanged': async (world, mq) => {
    const queue = unique('exact-ä→😀')
    const text = 'Ünïcödé → 日本語 😀 "\\ \u2028'
    const headers = {
      'x-own': 'ß',
      count: 7,
      ratio: 0.5,
      flag: true,
      none: null,
      list: [1, 'two'],
      deep: { a: { b: 'c' } },
    }
    const options = { headers, id: unique('id-é'), correlationId: 'corr-✓', priority: 3, declare: true }
    await mq.schedule(note, { n: 1, text }, { to: { queue }, in: 300, ...options })
    await poll(async () => (await world.depth(queue)) > 0, { timeoutMs: 30_000, what: 'the message' })
    const taken = (await world.take(queue))!
    expect(Buffer.from(taken.body).toString()).toBe(JSON.stringify({ n: 1, text }))
    expect(taken.headers).toMatchObject({ ...headers, 'dueque-to': `queue:${queue}` })
    expect(taken.headers).not.toHaveProperty('BCC')
    const { id: messageId, correlationId, priority } = options
    const properties = {
      messageId,
      correlationId,
      priority,
      type: 'test.note',
      contentType: 'application/json',
      deliveryMode: 2,
    }
    expect(taken.properties).toMatchObject(properties)
    expect(taken.routingKey).toBe(queue)
  },

  'exchanges of every type receive the routing key unchanged': async (world, mq) => {
    const wanted = [
      { type: 'direct', bound: 'a.b', key: 'a.b', args: {} },
      { type: 'topic', bound: 'a.#', key: 'a.b.c', args: {} },
      { type: 'fanout', bound: '', key: 'any.thing', args: {} },
      { type: 'headers', bound: '', key: 'k', args: { 'x-match': 'all', clinic: 'west' } },
    ] as const
    const reaches = async ({ type, bound, key, args }: (typeof wanted)[number]) => {
      const [queue, other, exchange] = [unique(type), unique(`${type}-other`), unique(`${type}-exchange`)]
      await world.declareExchange(exchange, type)
      for (const name of [queue, other]) await world.declareQueue(name)
      await world.bind(queue, exchange, bound, args)
      if (type !== 'fanout') await world.bind(other, exchange, 'not.this', { 'x-match': 'all', clinic: 'east' })
      await mq.schedule(note, { n: 1 }, { to: { exchange, routingKey: key }, in: 200, headers: { clinic: 'west' } })
      await poll(async () => (await world.depth(queue)) > 0, {
        timeoutMs: 30_000,
        what: `the ${type} exchange's message`,
      })
      expect(await world.take(queue)).toMatchObject({ routingKey: key, exchange })
      expect(await world.depth(other), type).toBe(0)
    }
    await Promise.all(wanted.map(reaches))
  },

  'a short delay does not wait behind a long one': async (_world, mq) => {
    const queue = unique('interleaved')
    const delays = Array.from({ length: 60 }, (_, i) =>
      i % 3 === 0 ? 3_600_000 + i : i % 3 === 1 ? 61_000 + i : 200 + i * 20,
    )
    await scheduleNotes(mq, queue, delays)
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(20)
    expect(recorder.early).toEqual([])
    expect(recorder.numbers.every((n) => n % 3 === 2)).toBe(true)
  },

  'an exchange without a binding delays no other message': async (world, mq) => {
    const [queue, exchange] = [unique('healthy'), unique('nowhere')]
    await world.declareExchange(exchange, 'direct')
    const to = { exchange, routingKey: 'nobody' }
    await Promise.all(Array.from({ length: 100 }, (_, n) => mq.schedule(note, { n }, { to, in: 500 })))
    await scheduleNotes(mq, queue, [500, 600, 1000])
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(3)
    expect(recorder.numbers.toSorted()).toEqual([0, 1, 2])
  },

  'a missing destination is refused before anything is sent': async (_world, mq) => {
    for (const to of [{ queue: unique('missing') }, { exchange: unique('missing'), routingKey: 'k' }]) {
      const refused = await mq.schedule(note, { n: 1 }, { to, in: 100 }).catch((error: unknown) => error)
      expect(isDuequeError(refused, 'DESTINATION_MISSING') && refused.outcome).toBe('refused')
    }
  },

  'two producers that start at once do not disturb each other': async (world) => {
    const queue = unique('producers')
    const producers = await Promise.all([world.connect(), world.connect()])
    const delays = Array.from({ length: 40 }, (_, i) => 300 + i * 30)
    await Promise.all(producers.map((producer) => scheduleNotes(producer, queue, delays)))
    const recorder = await Recorder.on(producers[0], queue)
    await recorder.has(80)
    expect(recorder.early).toEqual([])
    expect(recorder.deliveries).toHaveLength(80)
  },

  'two consumers share a queue, and each message is handled once': async (world, mq) => {
    const queue = unique('consumers')
    await world.declareQueue(queue)
    const recorders = [
      await Recorder.on(mq, queue, { prefetch: 5 }),
      await Recorder.on(await world.connect(), queue, { prefetch: 5 }),
    ]
    await scheduleNotes(
      mq,
      queue,
      Array.from({ length: 100 }, (_, i) => 200 + i),
    )
    const all = () => recorders.flatMap(({ numbers }) => numbers)
    await poll(() => all().length >= 100, { timeoutMs: 30_000, what: '100 deliveries to two consumers' })
    expect(all().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    for (const recorder of recorders) expect(recorder.deliveries.length).toBeGreaterThan(0)
  },

  'a failed attempt is retried as the next one, on its own queue alone, with everything kept': async (world, mq) => {
    const [queue, other, exchange] = [unique('retry'), unique('retry-other'), unique('retry-exchange')]
    await world.declareExchange(exchange, 'topic')
    for (const name of [queue, other]) {
      await world.declareQueue(name)
      await world.bind(name, exchange, '#')
    }
    const calls: { at: number; delivery: Note }[] = []
    const fails = on(note, (delivery) => {
      calls.push({ at: Date.now(), delivery })
      if (delivery.attempt < 3) throw new Error('not yet')
    })
    const consumer = await mq.consume(queue, [fails], { retry: { attempts: 3, backoff: [700, 50] } })
    const twin = await Recorder.on(mq, other)
    const properties = { correlationId: 'c', priority: 3 }
    const options = { in: 200, id: unique('id'), headers: { tenant: 'a' }, expiresIn: { hours: 1 }, ...properties }
    const scheduledFrom = Math.floor(Date.now() / 1000) * 1000
    const receipt = await mq.schedule(note, { n: 5 }, { to: { exchange, routingKey: 'a.b' }, ...options })
    // The broker may deliver an attempt before it confirms it.
    const isOver = () => consumer.stats().handled === 1 && consumer.stats().retried === 2
    await poll(isOver, { timeoutMs: 30_000, what: 'the third attempt' })
    expect(consumer.stats()).toMatchObject({ dead: 0, suppressed: 0 })
    expect(calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 2, 3])
    const [first, second, third] = calls as [(typeof calls)[0], (typeof calls)[0], (typeof calls)[0]]
    expect(second.at - first.at).toBeGreaterThanOrEqual(700)
    expect(third.at - second.at).toBeGreaterThanOrEqual(50)
    for (const { delivery } of calls) {
      expect(delivery).toMatchObject({ id: options.id, payload: { n: 5 }, headers: { tenant: 'a' }, routingKey: 'a.b' })
      expect(delivery).toMatchObject(properties)
      expect(delivery.dueAt.toISOString()).toBe(receipt.dueAt)
      expect(delivery.expiresAt!.getTime()).toBe(delivery.dueAt.getTime() + 3_600_000)
      // To the second.
      expect(delivery.scheduledAt!.getTime()).toBeGreaterThanOrEqual(scheduledFrom)
      expect(delivery.scheduledAt!.getTime()).toBeLessThanOrEqual(delivery.dueAt.getTime() - 200)
    }
    await twin.has(1)
    expect(twin.deliveries).toHaveLength(1)
  },

  'after its last attempt a message is in the dead queue, with the time and the reason of its failure': async (
    world,
    mq,
  ) => {
    const queue = unique('last')
    const fails = on(note, () => {
      throw new Error('no room')
    })
    await world.declareQueue(queue)
    const consumer = await mq.consume(queue, [fails], { retry: { attempts: 2, backoff: 300 } })
    const before = Date.now()
    await mq.schedule(note, { n: 5 }, { to: { queue }, in: 0 })
    await poll(() => consumer.stats().dead === 1, { timeoutMs: 30_000, what: 'a dead message' })
    const { headers } = (await world.take(`${queue}.dead`))!
    expect(headers).toMatchObject({
      'dueque-attempt': 2,
      'dueque-dead-reason': 'handler-error',
      'dueque-dead-error': 'no room',
    })
    const [first, last] = [Number(headers['dueque-first-failed']), Number(headers['dueque-last-failed'])]
    expect(first).toBeGreaterThanOrEqual(before)
    expect(last).toBeGreaterThanOrEqual(first + 300)
  },

  'unfinished messages of a closed consumer return to its queue': async (world, mq) => {
    const queue = unique('behind')
    await world.declareQueue(queue)
    let calls = 0
    const never = on(note, () => new Promise(() => calls++))
    const consumer = await mq.consume(queue, [never])
    await mq.schedule(note, { n: 5 }, { to: { queue }, in: 0 })
    await poll(() => calls === 1, { timeoutMs: 30_000, what: 'a running handler' })
    await consumer.close({ drainTimeoutMs: 10 })
    const recorder = await Recorder.on(await world.connect(), queue)
    await recorder.has(1)
    expect(recorder.deliveries).toMatchObject([{ payload: { n: 5 }, attempt: 1 }])
  },

  'waiting messages outlive the producer that scheduled them': async (world) => {
    const queue = unique('outlives')
    const producer = await world.connect()
    await scheduleNotes(producer, queue, [1200])
    await producer.close()
    const recorder = await Recorder.on(await world.connect(), queue)
    await recorder.has(1)
    expect(recorder.early).toEqual([])
  },

  'a due message without a destination is parked, counted, and can be sent on': async (world, mq) => {
    const queue = unique('vanished')
    const before = await world.parked()
    await scheduleNotes(mq, queue, [4000, 4100])
    await world.deleteQueue(queue)
    await poll(async () => (await world.parked()) === before + 2, { timeoutMs: 30_000, what: 'two parked messages' })
    const recorder = await Recorder.on(await world.connect(), queue)
    await world.redrive()
    await recorder.has(2)
    expect(recorder.numbers.toSorted()).toEqual([0, 1])
  },
}

/** This case counts all parked messages of a world, and sends them on. */
const ALONE = 'a due message without a destination is parked, counted, and can be sent on'

/**
 * Runs every case on a strategy, and the cases of a waitlist, of a log of cancellations or of a journal on strategies that
 * have one. They mostly wait, so they run beside each other: in one world, all but one, or each in its own. A strategy skips
 * only the cases that it names, with a reason.
 */
export function conformance(
  { name, make, cannot = {}, inTurn = false, ownWorlds = false }: Subject,
  open: () => World | Promise<World>,
): void {
  const { waitlist, cancellations, journal, definitions } = make()
  const cases = {
    ...CASES,
    ...(waitlist ? WAITLIST_CASES : cancellations && CANCELLATION_CASES),
    ...((waitlist || journal) && VIEW_CASES),
    ...(journal && JOURNAL_CASES),
    ...(definitions && DEFINITION_CASES),
  }
  describe(`${name} conforms`, () => {
    let shared: World | undefined
    beforeAll(async () => {
      if (!ownWorlds) shared = await open()
    })
    afterAll(() => shared?.close())

    test('skips only cases that exist', () => {
      expect(Object.keys(cannot).filter((skipped) => !(skipped in cases))).toEqual([])
    })
    for (const [title, run] of Object.entries(cases)) {
      const reason = cannot[title]
      const concurrent = !inTurn && (ownWorlds || title !== ALONE)
      const options = { concurrent, skip: reason !== undefined }
      test(reason === undefined ? title : `${title} (skipped: ${reason})`, options, async ({ onTestFinished }) => {
        const world = shared ?? (await open())
        if (!shared) onTestFinished(() => world.close())
        const mq = await world.connect()
        onTestFinished(() => mq.close())
        // Declares the streams, which takes longer on a busy machine than the delays of some cases.
        if (journal) await scheduleNotes(mq, unique('first'), [3_600_000])
        await run(world, mq)
      })
    }
  })
}
