import type { Channel, Options } from 'amqplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { cancellationLayout } from '../../../src/log/log-layout.js'
import { connect, ladder, type ConnectOptions, type GateOptions, type LadderStrategy } from '../../../src/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { applyAs } from '../../strategies/trust-world.js'
import { poll, useVhost } from '../../support/broker.js'
import { startChild } from '../../support/child.js'
import { next } from '../../support/intake.js'
import { openGate, receive, type Received } from '../../support/gate.js'
import { failure, rawChannel } from '../../support/mq.js'
import { depth, holds } from '../../support/parked.js'
import { warmUp } from '../../support/warm-up.js'

const vhost = useVhost()

async function producer(options: ConnectOptions<LadderStrategy> = {}) {
  const mq = await connect({ url: vhost.url, ...options })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return mq
}

/** Two queues, and a gate between them. */
async function world(options: Partial<GateOptions> = {}) {
  const from = unique('from')
  const to = `${from}.due`
  const channel = await rawChannel(vhost.url)
  const gate = await openGate({ url: vhost.url, from, to, declare: true, ...options })
  return { from, to, channel, gate }
}

/** Publishes to a queue, whatever is in the headers. */
function publish(channel: Channel, queue: string, body: string | Buffer, options: Options.Publish = {}): void {
  channel.sendToQueue(queue, Buffer.from(body), { persistent: true, ...options })
}

const dueIn = (ms: number) => ({ 'dueque-due': Date.now() + ms, 'dueque-revision': Date.now() * 1000 })
const ids = (received: readonly Received[]) => received.map(({ id }) => id).toSorted()
const has = (received: readonly Received[], count: number, timeoutMs = 30_000) =>
  poll(() => received.length >= count, { what: `${count} forwarded messages`, timeoutMs })

/** Many messages for a gate, some of them cancelled. */
async function partlyCancelled(queue: string, delays: readonly number[], isCancelled: (n: number) => boolean) {
  const mq = await producer({ strategy: ladder({ lead: 100 }) })
  await warmUp(mq, Math.min(...delays), Math.max(...delays))
  const schedule = (ms: number, n: number) => mq.schedule(note, { n }, { to: { queue }, in: ms, id: String(n) })
  const receipts = await Promise.all(delays.map(schedule))
  const cancelled = receipts.filter((_, n) => isCancelled(n))
  const kept = receipts.filter((receipt) => !cancelled.includes(receipt))
  const answers = await Promise.all(cancelled.map((receipt) => mq.cancel(receipt)))
  const dropped = cancelled.filter((_, n) => answers[n] === 'cancelled')
  return {
    kept: kept.length,
    areForwarded: (received: readonly Received[]) =>
      poll(() => kept.every(({ id }) => received.some((one) => one.id === id)), { what: 'others', timeoutMs: 60_000 }),
    /** None that was cancelled in time is there, and none came early. */
    check: (received: readonly Received[]) => {
      expect(dropped.length).toBeGreaterThan(100)
      expect(received.filter(({ id }) => dropped.some((one) => one.id === id))).toEqual([])
      for (const { id, at } of received) expect(at).toBeGreaterThanOrEqual(Date.parse(receipts[Number(id)]!.dueAt))
    },
  }
}

describe('a gate', () => {
  test('drops cancelled messages, and forwards the others when they are due', async () => {
    const { from, to, channel, gate } = await world()
    const received = await receive(channel, to)
    const mq = await producer()
    const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue: from }, in: 6000, id: `m${n}` })
    const receipts = await Promise.all([1, 2, 3].map(schedule))
    expect(await mq.cancel(receipts[1]!)).toBe('cancelled')
    await poll(() => gate.stats().forwarded + gate.stats().cancelled === 3, { what: 'all three', timeoutMs: 30_000 })
    await has(received, 2)
    expect(ids(received)).toEqual(['m1', 'm3'])
    for (const { at } of received) expect(at).toBeGreaterThanOrEqual(Date.parse(receipts[0]!.dueAt))
    expect(gate.stats()).toEqual({ forwarded: 2, cancelled: 1, held: 0, dead: 0 })
    expect(gate.health()).toMatchObject({ ok: true, consumer: 'up', cancellations: { state: 'live' } })
  })

  test('holds early messages to the millisecond, and drops one that is cancelled meanwhile', async () => {
    const { from, to, channel, gate } = await world()
    const received = await receive(channel, to)
    const mq = await producer({ strategy: ladder({ lead: 10_000 }) })
    const delays = Array.from({ length: 40 }, (_, n) => 8000 + n * 53)
    const schedule = (ms: number, n: number) => mq.schedule(note, { n }, { to: { queue: from }, in: ms, id: String(n) })
    const receipts = await Promise.all(delays.map(schedule))
    await poll(() => gate.stats().held === 40, { what: 'all to be held', timeoutMs: 30_000 })
    const cancelled = receipts.filter((_, n) => n % 4 === 0)
    for (const receipt of cancelled) expect(await mq.cancel(receipt)).toBe('cancelled')
    const isOver = () => gate.stats().forwarded === 30 && gate.stats().cancelled === 10
    await poll(isOver, { what: 'thirty forwarded, ten dropped', timeoutMs: 30_000 })
    expect(gate.stats()).toMatchObject({ held: 0, dead: 0 })
    await has(received, 30)
    const expected = receipts.filter((receipt) => !cancelled.includes(receipt))
    expect(ids(received)).toEqual(expected.map(({ id }) => id).toSorted())
    for (const { id, at } of received) expect(at).toBeGreaterThanOrEqual(Date.parse(receipts[Number(id)]!.dueAt))
  })

  test('keeps body, routing key, properties and headers, without those that a broker would act on', async () => {
    const { from, to, channel } = await world()
    const received = await receive(channel, to)
    const body = Buffer.from([0, 255, 1, 254, 10])
    const headers = {
      ...dueIn(-5),
      'dueque-attempt': 3,
      'dueque-new': 'of a later version',
      clinic: 'grüße',
      list: [1, 'zwei', { three: 3 }],
      table: { nested: { deep: true }, none: null },
      half: 0.5,
      when: { '!': 'timestamp', value: 1_900_000_000 },
    }
    const kept = {
      contentType: 'application/x-thing',
      contentEncoding: 'identity',
      deliveryMode: 2,
      priority: 3,
      correlationId: 'c',
      replyTo: 'r',
      messageId: 'exact',
      timestamp: 1_700_000_000,
      type: 'thing',
      appId: 'app',
    }
    const routed = { ...headers, CC: ['dq~queue~elsewhere'], 'x-death': [], 'x-delivery-count': 7 }
    publish(channel, from, body, { ...kept, headers: routed, expiration: '60000' })
    await has(received, 1)
    const { content, properties, fields } = received[0]!.message
    expect(content).toEqual(body)
    expect(fields).toMatchObject({ routingKey: from, redelivered: false })
    expect(properties).toMatchObject({ ...kept, expiration: undefined, userId: undefined })
    const { 'x-delivery-count': _, ...arrived } = properties.headers!
    expect(arrived).toEqual({ ...headers, 'dueque-to': `queue:${to}` })
  })

  test('gives up an expired message, and forwards one without a revision although its id is cancelled', async () => {
    const { from, to, channel, gate } = await world()
    const received = await receive(channel, to)
    const mq = await producer()
    expect(await mq.cancel('foreign')).toBe('unknown')
    const { id } = await mq.schedule(note, { n: 1 }, { to: { queue: from }, in: 0, id: 'late', expiresIn: 1 })
    publish(channel, from, 'foreign', { messageId: 'foreign' })
    await has(received, 1)
    const { properties } = await next(channel, `${from}.dead`)
    expect(properties).toMatchObject({ messageId: id, headers: { 'dueque-dead-reason': 'expired' } })
    expect(ids(received)).toEqual(['foreign'])
    const isOver = () => gate.stats().forwarded === 1 && gate.stats().dead === 1
    await poll(isOver, { what: 'the counts' })
    expect(gate.stats()).toMatchObject({ cancelled: 0, held: 0 })
  })

  test('has a message that came far too early wait in the broker again', async () => {
    const own = ladder()
    const waits: number[] = []
    // So that nobody waits ten minutes for it.
    const schedule: typeof own.schedule = (message, options) => {
      waits.push(message.dueAt)
      return own.schedule({ ...message, dueAt: Date.now() + 500 }, options)
    }
    const { from, to, channel, gate } = await world({ strategy: { ...own, schedule } })
    const received = await receive(channel, to)
    const headers = dueIn(600_000)
    publish(channel, from, '{}', { messageId: 'early', headers })
    await has(received, 1)
    expect(waits).toEqual([headers['dueque-due']])
    expect(received[0]!.message.properties.headers).toMatchObject({ 'dueque-put-backs': 1 })
    await poll(() => gate.stats().forwarded === 1, { what: 'its confirm' })
    expect(gate.stats()).toMatchObject({ cancelled: 0, dead: 0 })
  })

  test('gives held messages back when it closes', async () => {
    const { from, to, channel, gate } = await world()
    for (const n of [1, 2, 3]) publish(channel, from, '{}', { messageId: `m${n}`, headers: dueIn(20_000) })
    await poll(() => gate.stats().held === 3, { what: 'three held messages', timeoutMs: 30_000 })
    const startedAt = performance.now()
    await gate.close()
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await holds(channel, from, 3)
    expect(await depth(channel, to)).toBe(0)
    expect(gate.health().ok).toBe(false)
  })

  test('whose target queue is deleted loses nothing: messages are parked', async () => {
    const { from, to, channel, gate } = await world()
    await channel.deleteQueue(to)
    publish(channel, from, '{}', { messageId: to, headers: dueIn(-5) })
    const found: unknown[] = []
    const look = async () => {
      const message = await channel.get('dueque.v1.parked', { noAck: false })
      if (message) found.push(message.properties.messageId)
      return found.includes(to)
    }
    await poll(look, { what: 'the message to be parked', timeoutMs: 30_000 })
    await poll(() => gate.stats().forwarded === 1, { what: 'its confirm' })
    expect(gate.stats()).toMatchObject({ cancelled: 0, dead: 0 })
  })
})

describe('a gate that loses its connections', () => {
  test('again and again forwards all that is not cancelled, at least once, and nothing early or cancelled', async () => {
    const proxy = await TcpProxy.to(vhost.url)
    onTestFinished(() => proxy.close())
    const { from, to, channel, gate } = await world({ url: proxy.url(), prefetch: 50 })
    const received = await receive(channel, to)
    const delays = Array.from({ length: 300 }, (_, n) => 4000 + n * 10)
    const { areForwarded, check } = await partlyCancelled(from, delays, (n) => n % 2 === 1)
    for (const count of [10, 40, 80]) {
      await has(received, count)
      proxy.cut()
    }
    await areForwarded(received)
    check(received)
    await poll(() => gate.stats().held === 0 && gate.health().ok, { what: 'rest', timeoutMs: 30_000 })
  })
})

describe('several gates', () => {
  test('share the work; one that is killed loses nothing, and none forwards a cancelled message', async () => {
    const { from, to, channel } = await world({ prefetch: 20 })
    const received = await receive(channel, to)
    const program = new URL('./gate-child.ts', import.meta.url)
    const child = startChild(program, vhost.url, from, to)
    await poll(() => child.lines.includes('running'), { what: 'the second gate', timeoutMs: 60_000 })
    const delays = Array.from({ length: 600 }, (_, n) => 3000 + n * 5)
    const { areForwarded, check, kept } = await partlyCancelled(from, delays, (n) => n % 3 === 0)
    await has(received, 100)
    await child.kill()
    await areForwarded(received)
    await holds(channel, from, 0)
    check(received)
    // Those that the killed one had on their way.
    expect(received.length).toBeLessThanOrEqual(kept + 20)
  })
})

describe('a gate does not start', () => {
  const reserved = ['dueque.v1.parked', 'dueque.v1.cancellations.1h', 'dueque-x', 'dq~x']

  test('without one of its queues, and takes nothing', async () => {
    const [from, to] = [unique('from'), unique('to')]
    const channel = await rawChannel(vhost.url)
    await channel.assertQueue(from)
    publish(channel, from, 'stays')
    const missing = { code: 'DESTINATION_MISSING' }
    expect(await failure(openGate({ url: vhost.url, from, to }))).toMatchObject({
      ...missing,
      message: expect.stringContaining(to) as string,
    })
    await holds(channel, from, 1)
    await channel.assertQueue(to)
    expect(await failure(openGate({ url: vhost.url, from: unique('none'), to }))).toMatchObject(missing)
    const trusting = { url: vhost.url, from, to: unique('none'), topology: 'trust' } as const
    await applyAs(vhost.url, cancellationLayout(new Names('dueque')).parts())
    expect(await failure(openGate(trusting))).toMatchObject(missing)
    await holds(channel, from, 1)
  })

  test("from or to queues of dueque's own", async () => {
    for (const name of reserved) {
      const [other, code] = [unique('other'), 'RESERVED_NAME']
      expect(await failure(openGate({ url: vhost.url, from: name, to: other })), name).toMatchObject({ code })
      expect(await failure(openGate({ url: vhost.url, from: other, to: name })), name).toMatchObject({ code })
    }
    const dead = { url: vhost.url, from: unique('from'), to: 'other.dead' }
    expect(await failure(openGate({ ...dead, declare: true }))).toMatchObject({ code: 'RESERVED_NAME' })
  })
})
