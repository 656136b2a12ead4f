import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Layout } from '../../src/amqp/topology/layout.js'
import { Names } from '../../src/amqp/topology/names.js'
import { LadderLayout } from '../../src/strategies/ladder/ladder-layout.js'
import { connect, on, type Dueque } from '../../src/index.js'
import { duePart, entryParts, intakeQueue } from '../../src/forwarding/intake-parts.js'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { openGate, receive } from '../support/gate.js'
import { next, openIntake, publishDelayed } from '../support/intake.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { PATTERNS, userWith, type Permissions } from '../support/users.js'
import { note, Recorder, unique } from '../strategies/recorder.js'
import { applyAs, applyCancellations } from '../strategies/trust-world.js'

const vhost = useVhost()
const layout = new Layout(new Names('dueque'), 'quorum')
const queue = unique('work')

/** A connection of a user with a pattern, changed in one place. */
async function trusting(pattern: Permissions, change: Partial<Permissions> = {}): Promise<Dueque> {
  return open(await userWith(vhost, { ...pattern, ...change }), { topology: 'trust' })
}

describe.skipIf(managementUrl() === undefined)("topology: 'trust' (users are made by the management API)", () => {
  const consumerPattern = PATTERNS.consumer(queue)
  // These rungs are enough here: a second that has begun is waited for in milliseconds.
  const all = [...layout.base(), ...new LadderLayout(layout.names).everything('quorum', 1)]
  const few = all.filter(({ name }) => !name.includes('.wait.') || /wait\.(1s|2h|\d+ms)$/.test(name))
  const parts = few.filter((part) => part.kind !== 'binding' || !/^dq~(?!0|end~|1s|2h|\d+ms)/.test(part.key))

  beforeAll(async () => {
    await applyAs(vhost.url, [...parts, ...layout.workQueue(queue)])
    await applyCancellations(vhost.url)
  })

  test('schedules and consumes without any configure permission', async () => {
    const producer = await trusting(PATTERNS.producer)
    const recorder = await Recorder.on(await trusting(consumerPattern), queue)
    await producer.schedule(note, { n: 1 }, { to: { queue }, in: '1s' })
    await recorder.has(1)
    expect(recorder.early).toEqual([])
  })

  test('an intake needs no configure permission either', async () => {
    const [from, received] = [unique('form'), unique('received')]
    const { names } = layout
    await applyAs(vhost.url, [
      ...layout.workQueue(intakeQueue(from)),
      ...entryParts(names, from),
      duePart(names, `${from}.due`, 'direct'),
      ...layout.outlet(`${from}.due`),
    ])
    await openIntake({ url: await userWith(vhost, PATTERNS.consumer(`${from}\\.intake`)), from, topology: 'trust' })
    const channel = await rawChannel(vhost.url)
    await channel.assertQueue(received)
    await channel.bindQueue(received, `${from}.due`, 'k')
    publishDelayed(channel, from, 'k', 'due', 1000)
    expect((await next(channel, received)).content.toString()).toBe('due')
    publishDelayed(channel, from, 'k', 'never', 'soon')
    expect((await next(channel, `${from}.intake.dead`)).content.toString()).toBe('never')
  })

  test('a gate needs what a consumer needs, and no right on the queue that it forwards to', async () => {
    const from = unique('gated')
    const to = `${from}-due`
    await applyAs(
      vhost.url,
      [from, to].flatMap((name) => layout.workQueue(name)),
    )
    const url = await userWith(vhost, PATTERNS.cancellingProducer)
    const canceller = await connect({ url, topology: 'trust' })
    onTestFinished(() => canceller.close())
    const gate = { from, to, topology: 'trust' } as const
    await openGate({ ...gate, url: await userWith(vhost, PATTERNS.consumer(from)) })
    const received = await receive(await rawChannel(vhost.url), to)
    const schedule = (id: string) =>
      canceller.schedule(note, { n: 1 }, { to: { queue: from }, in: '1s', id: from + id })
    expect(await canceller.cancel({ id: `${from}b` })).toBe('unknown')
    await schedule('a')
    await poll(() => received.length > 0, { what: 'the message', timeoutMs: 30_000 })
    expect(received.map(({ id }) => id)).toEqual([`${from}a`])
    const blind = openGate({ ...gate, url: await userWith(vhost, PATTERNS.heedlessConsumer(from)) })
    // It has no option to do without the cancellations.
    const message = expect.not.stringContaining('Or consume') as string
    expect(await failure(blind)).toMatchObject({ code: 'PERMISSION_DENIED', message })
  })

  test('a missing rung is a typed error that says how to declare it, and nothing waits', async () => {
    const producer = await trusting(PATTERNS.producer)
    expect(await failure(producer.schedule(note, { n: 1 }, { to: { queue }, in: '3d' }))).toMatchObject({
      code: 'TOPOLOGY_MISSING',
      outcome: 'refused',
      data: { resource: 'dueque.v1.entry.d' },
      message: expect.stringContaining('dueque topology apply') as string,
    })
  })

  test('a missing topology is reported when a consumer connects', async () => {
    const url = await userWith(vhost, { configure: '^$', write: '.*', read: '.*' })
    expect(await failure(connect({ url, namespace: 'nobody', topology: 'trust' }))).toMatchObject({
      code: 'TOPOLOGY_MISSING',
      data: { resource: 'nobody.v1.unroutable' },
    })
  })

  test('declare: true is refused', async () => {
    const mq = await trusting(PATTERNS.producer)
    const options = { to: { queue }, in: 0, declare: true }
    expect(await failure(mq.schedule(note, { n: 1 }, options))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(await failure(mq.consume(queue, [on(note, () => undefined)], { declare: true }))).toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  describe('with one right less than the pattern', () => {
    test.each([
      // By the time that is left when the schedule is sent: below 990 ms it begins among the smallest rungs.
      ['entry exchange', '1s', String.raw`^dueque\.v1\.deliver$`, /^exchange dueque\.v1\.entry\.m?s$/],
      ['deliver exchange', 0, String.raw`^dueque\.v1\.entry\..+$`, /^exchange dueque\.v1\.deliver$/],
    ])('a producer without the %s gets PERMISSION_DENIED', async (_what, delay, write, resource) => {
      const mq = await trusting(PATTERNS.producer, { write })
      expect(await failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: delay }))).toMatchObject({
        code: 'PERMISSION_DENIED',
        outcome: 'refused',
        data: { permission: 'write', resource: expect.stringMatching(resource) as string },
      })
    })

    test('a consumer that may not read its queue gets PERMISSION_DENIED', async () => {
      const read = PATTERNS.consumer('none').read
      const mq = await trusting(consumerPattern, { read })
      expect(await failure(mq.consume(queue, [on(note, () => undefined)]))).toMatchObject({
        code: 'PERMISSION_DENIED',
        data: { permission: 'read', resource: `queue ${queue}` },
      })
    })

    test('a consumer that may not read unroutable messages works, but does not rescue them', async () => {
      const read = String.raw`^(dueque\.v1\.cancellations\..+|${queue})$`
      const mq = await trusting(consumerPattern, { read })
      const recorder = await Recorder.on(mq, queue)
      await mq.schedule(note, { n: 2 }, { to: { queue }, in: 0 })
      await recorder.has(1)
    })

    test('a consumer that may not write to the dead exchange gets an error, and keeps the message in its queue', async () => {
      const own = unique('undead')
      await applyAs(vhost.url, layout.workQueue(own))
      const write = String.raw`^dueque\.v1\.(entry\..+|deliver|parked)$`
      const mq = await trusting(PATTERNS.consumer(own), { write })
      const errors: unknown[] = []
      mq.on('error', (error) => errors.push(error))
      const consumer = await mq.consume(own, [on(note, () => Promise.reject(new Error('never')))])
      await mq.schedule(note, { n: 3 }, { to: { queue: own }, in: 0 })
      await poll(() => errors.length > 0, { timeoutMs: 30_000, what: 'the error' })
      expect(errors[0]).toMatchObject({
        code: 'PERMISSION_DENIED',
        data: { permission: 'write', resource: 'exchange dueque.v1.dead' },
      })
      await consumer.close()
      const channel = await rawChannel(vhost.url)
      await poll(async () => (await channel.checkQueue(own)).messageCount === 1, {
        timeoutMs: 30_000,
        what: 'it in the queue',
      })
    })

    test.each([
      ['configure', 'exchange dueque.v1.unroutable'],
      ['write', 'queue dueque.v1.parked'],
      ['read', 'exchange dueque.v1.parked'],
    ] as const)('an operator without %s permission gets an error that names it', async (permission, resource) => {
      const url = await userWith(vhost, { ...PATTERNS.operator('.+'), [permission]: '^none$' })
      expect(await failure(applyAs(url, parts))).toMatchObject({
        code: 'PERMISSION_DENIED',
        data: { permission, resource },
      })
    })
  })
})
