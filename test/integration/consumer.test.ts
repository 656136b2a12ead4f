import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineMessage, on, onAny, type Delivery } from '../../src/index.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { openWorld, type AmqpWorld } from '../strategies/amqp-world.js'
import { Recorder, note, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()

/** Publishes straight into a queue, as a program without dueque would. */
async function publishRaw(queue: string, body: unknown, properties: Record<string, unknown> = {}): Promise<void> {
  const channel = await rawChannel(vhost.url)
  const content = typeof body === 'string' ? body : JSON.stringify(body)
  channel.sendToQueue(queue, Buffer.from(content), { type: 'test.note', ...properties })
}

async function dead(world: AmqpWorld, queue: string) {
  await poll(async () => (await world.depth(`${queue}.dead`)) > 0, { timeoutMs: 30_000, what: 'a dead message' })
  return (await world.take(`${queue}.dead`))!
}

describe('a consumer', () => {
  test('runs at most `concurrency` handlers while `prefetch` messages wait in the process', async () => {
    const queue = unique('concurrency')
    const mq = await open(vhost.url)
    let [running, most] = [0, 0]
    const release: (() => void)[] = []
    const handler = on(note, async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => release.push(resolve))
      running--
    })
    const consumer = await mq.consume(queue, [handler], { prefetch: 20, concurrency: 3 })
    await scheduleNotes(
      mq,
      queue,
      Array.from({ length: 30 }, () => 0),
    )
    const world = openWorld(vhost.url)
    await poll(async () => (await world.depth(queue)) === 10, {
      timeoutMs: 30_000,
      what: '20 of 30 messages prefetched',
    })
    expect(consumer.stats().running).toBe(3)
    const pump = setInterval(() => release.splice(0).forEach((done) => done()), 5)
    onTestFinished(() => clearInterval(pump))
    await poll(() => consumer.stats().handled === 30, { timeoutMs: 30_000, what: '30 handled' })
    expect(most).toBe(3)
  })

  test('parses the payload to the output type of the schema', async () => {
    const queue = unique('typed')
    const event = defineMessage('test.typed', z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }))
    const mq = await open(vhost.url)
    const seen: Delivery<{ at: Date }>[] = []
    await mq.consume(queue, [on(event, (delivery) => void seen.push(delivery))])
    await mq.schedule(event, { at: '2026-11-23T09:00:00Z' }, { to: { queue }, in: 0, id: 'typed/1', headers: { a: 1 } })
    await poll(() => seen.length > 0, { timeoutMs: 30_000, what: 'the delivery' })
    expect(seen[0]).toMatchObject({
      id: 'typed/1',
      name: 'test.typed',
      payload: { at: new Date('2026-11-23T09:00:00Z') },
      attempt: 1,
      headers: { a: 1 },
      routingKey: queue,
    })
  })

  const lost: [string, string, () => unknown, Record<string, unknown>][] = [
    ['handler-error', 'a handler that throws', () => ({ n: 13 }), {}],
    ['invalid-payload', 'a body that is no JSON', () => '{"n":', {}],
    ['invalid-payload', 'a payload that does not fit the schema', () => ({ n: 'x' }), {}],
    ['unknown-message', 'an unknown name', () => ({ n: 1 }), { type: 'test.unknown' }],
    ['unknown-message', 'no name at all', () => ({ n: 1 }), { type: undefined }],
    ['unknown-version', 'an unknown version', () => ({ n: 1 }), { headers: { 'dueque-version': 9 } }],
    ['invalid-due', 'a due time in ten thousand years', () => ({ n: 1 }), { headers: { 'dueque-due': 2.5e14 } }],
    ['expired', 'a message past its time', () => ({ n: 1 }), { headers: { 'dueque-expires': Date.now() - 1000 } }],
  ]
  test.each(lost)('moves to the dead queue with the reason %s: %s', async (reason, _, body, properties) => {
    const queue = unique('dead')
    const mq = await open(vhost.url)
    const thrower = on(note, ({ payload }) => {
      if (payload.n === 13) throw new Error('unlucky')
    })
    const consumer = await mq.consume(queue, [thrower])
    await publishRaw(queue, body(), { messageId: 'm-1', ...properties })
    const world = openWorld(vhost.url)
    const taken = await dead(world, queue)
    expect(taken.headers).toMatchObject({ 'dueque-dead-reason': reason, 'dueque-to': `queue:${queue}` })
    expect(taken.headers['dueque-dead-error']).toEqual(expect.any(String))
    expect(taken.properties['messageId']).toBe('m-1')
    expect(taken.routingKey).toBe(queue)
    expect(Buffer.from(taken.body).toString()).toBe(typeof body() === 'string' ? body() : JSON.stringify(body()))
    await poll(() => consumer.stats().dead === 1, { timeoutMs: 30_000, what: 'the count' })
    expect(await world.depth(queue)).toBe(0)
  })

  test('holds messages that arrive early until they are due', async () => {
    const queue = unique('held')
    const mq = await open(vhost.url)
    const recorder = await Recorder.on(mq, queue)
    const dueAt = Date.now() + 1500
    await publishRaw(queue, { n: 1 }, { headers: { 'dueque-due': dueAt } })
    await publishRaw(queue, { n: 2 }, { headers: { 'dueque-due': dueAt - 700 } })
    await recorder.has(2)
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt)
    expect(recorder.numbers).toEqual([2, 1])
    expect(recorder.deliveries.every(({ latenessMs }) => latenessMs >= 0)).toBe(true)
  })

  test('sends messages that arrive far too early back to wait', async () => {
    const queue = unique('far')
    const mq = await open(vhost.url)
    const recorder = await Recorder.on(mq, queue)
    await publishRaw(queue, { n: 1 }, { messageId: 'far/1', headers: { 'dueque-due': Date.now() + 3_600_000 } })
    const world = openWorld(vhost.url)
    await poll(() => waitsFirst(world), { timeoutMs: 30_000, what: 'it to wait in a rung' })
    expect(recorder.deliveries).toEqual([])
  })

  test('handles a foreign message without headers of dueque, as due on arrival', async () => {
    const queue = unique('foreign')
    const mq = await open(vhost.url)
    const seen: Delivery[] = []
    await mq.consume(queue, [onAny((delivery) => void seen.push(delivery))])
    await publishRaw(queue, ['any', 'json'], { type: undefined })
    await poll(() => seen.length > 0, { timeoutMs: 30_000, what: 'the delivery' })
    expect(seen[0]).toMatchObject({ name: '', id: '', payload: ['any', 'json'], latenessMs: 0, attempt: 1 })
  })

  test('dead-letters every copy, although one dead queue was deleted and all copies look alike', async () => {
    const [one, other, exchange] = [unique('one'), unique('other'), unique('fanout')]
    const mq = await open(vhost.url)
    const world = openWorld(vhost.url)
    await world.declareExchange(exchange, 'fanout')
    const thrower = on(note, () => {
      throw new Error('no')
    })
    const consumers = await Promise.all([one, other].map((queue) => mq.consume(queue, [thrower])))
    for (const queue of [one, other]) await world.bind(queue, exchange)
    const send = () =>
      Promise.all(Array.from({ length: 20 }, (_, n) => mq.schedule(note, { n }, { to: { exchange }, in: 0 })))
    await send()
    await poll(() => consumers.every((consumer) => consumer.stats().dead === 20), {
      timeoutMs: 30_000,
      what: '40 dead',
    })
    await world.deleteQueue(`${other}.dead`)
    await send()
    await poll(() => consumers.every((consumer) => consumer.stats().dead === 40), {
      timeoutMs: 30_000,
      what: '80 dead',
    })
    expect(await world.depth(`${one}.dead`)).toBeGreaterThanOrEqual(40)
    expect(await world.depth(`${other}.dead`)).toBeGreaterThanOrEqual(20)
  })

  test('declares again a queue that was deleted since this process last consumed it', async () => {
    const queue = unique('again')
    const mq = await open(vhost.url)
    const first = await mq.consume(queue, [onAny(() => undefined)])
    await first.close()
    const channel = await rawChannel(vhost.url)
    for (const name of [queue, `${queue}.dead`]) await channel.deleteQueue(name)
    const recorder = await Recorder.on(mq, queue)
    await scheduleNotes(mq, queue, [100])
    await recorder.has(1)
    expect(await openWorld(vhost.url).depth(`${queue}.dead`)).toBe(0)
  })

  test('refuses handlers that clash, and a missing queue with declare: false', async () => {
    const mq = await open(vhost.url)
    const handler = on(note, () => undefined)
    expect(await failure(mq.consume('q', []))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(await failure(mq.consume('q', [handler, handler]))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(await failure(mq.consume(unique('no'), [handler], { declare: false }))).toMatchObject({
      code: 'DESTINATION_MISSING',
    })
  })
})

/** An hour, less the time until the publish: its first rung is one of these. */
async function waitsFirst(world: AmqpWorld): Promise<boolean> {
  for (const name of ['1h', '59s', '58s', '59m']) {
    const depth = await world.depth(`dueque.v1.wait.${name}`).catch(() => 0)
    if (depth > 0) return true
  }
  return false
}

describe('duplicates', () => {
  const headers = { 'dueque-due': Date.now(), 'dueque-revision': 1_795_000_000_000_001, 'dueque-attempt': 1 }

  test('a copy of a settled message is suppressed and counted', async () => {
    const queue = unique('copy')
    const mq = await open(vhost.url)
    const seen: number[] = []
    const consumer = await mq.consume(queue, [on(note, ({ payload }) => void seen.push(payload.n))])
    const id = randomUUID()
    await publishRaw(queue, { n: 1 }, { messageId: id, headers })
    await poll(() => consumer.stats().handled === 1, { timeoutMs: 30_000, what: 'the first' })
    await publishRaw(queue, { n: 2 }, { messageId: id, headers })
    await poll(() => consumer.stats().suppressed === 1, { timeoutMs: 30_000, what: 'the second' })
    expect(seen).toEqual([1])
  })

  test('a copy that arrives while the first one runs waits for its outcome', async () => {
    const queue = unique('twin')
    const mq = await open(vhost.url)
    let finish: (() => void) | undefined
    let calls = 0
    const handler = on(note, () => {
      calls++
      return new Promise<void>((resolve) => (finish = resolve))
    })
    const consumer = await mq.consume(queue, [handler], { concurrency: 5 })
    const id = randomUUID()
    await publishRaw(queue, { n: 1 }, { messageId: id, headers })
    await publishRaw(queue, { n: 1 }, { messageId: id, headers })
    await poll(() => consumer.stats().following === 1, { timeoutMs: 30_000, what: 'both to run or wait' })
    expect(calls).toBe(1)
    finish!()
    await poll(() => consumer.stats().suppressed === 1, { timeoutMs: 30_000, what: 'the copy' })
    expect(calls).toBe(1)
  })

  test('another revision or attempt of the same id is not a copy, the same dedupe key is', async () => {
    const queue = unique('revision')
    const mq = await open(vhost.url)
    const recorder = await Recorder.on(mq, queue)
    const id = randomUUID()
    await publishRaw(queue, { n: 1 }, { messageId: id, headers })
    await publishRaw(
      queue,
      { n: 2 },
      { messageId: id, headers: { ...headers, 'dueque-revision': 1_795_000_000_000_002 } },
    )
    await publishRaw(queue, { n: 3 }, { messageId: id, headers: { ...headers, 'dueque-attempt': 2 } })
    await recorder.has(3)
    const to = { queue }
    await mq.schedule(note, { n: 4 }, { to, in: 0, dedupeKey: 'order-9' })
    await recorder.has(4)
    await mq.schedule(note, { n: 5 }, { to, in: 0, dedupeKey: 'order-9' })
    await mq.schedule(note, { n: 6 }, { to, in: 0 })
    await recorder.has(5)
    expect(recorder.numbers.toSorted()).toEqual([1, 2, 3, 4, 6])
  })
})

describe.skipIf(managementUrl() === undefined)('queues (skipped without the management API, which shows them)', () => {
  test('are declared with their final arguments', async () => {
    const queue = unique('arguments')
    const mq = await open(vhost.url)
    await Recorder.on(mq, queue)
    const shown = (name: string) =>
      management<{ arguments: object; durable: boolean }>(`/queues/${vhost.name}/${encodeURIComponent(name)}`)
    expect((await shown(queue)).arguments).toEqual({
      'x-queue-type': 'quorum',
      'x-delivery-limit': 1000,
      'x-dead-letter-exchange': 'dueque.v1.deliver',
      'x-dead-letter-routing-key': `dq~queue~${queue}.dead`,
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
      'x-queue-leader-locator': 'balanced',
    })
    expect((await shown(`${queue}.dead`)).arguments).toMatchObject({ 'x-queue-type': 'quorum' })
  })
})

describe('the default prefetch', () => {
  test('leaves a second worker its share of slow messages', async () => {
    const queue = unique('shared')
    const [one, two] = [await open(vhost.url), await open(vhost.url)]
    const handled = [0, 0]
    const slow = (worker: number) => on(note, () => sleep(300).then(() => handled[worker]!++))
    await one.consume(queue, [slow(0)])
    const total = 80
    const channel = await rawChannel(vhost.url)
    for (let n = 0; n < total; n++) channel.sendToQueue(queue, Buffer.from('{"n":1}'), { type: note.name })
    await poll(() => handled[0]! > 0, { what: 'the first' })
    await two.consume(queue, [slow(1)])
    await poll(() => handled[0]! + handled[1]! === total, { what: 'all', timeoutMs: 20_000 })
    expect(handled[1]).toBeGreaterThan(total / 5)
  })

  test('grows while handlers are fast: a new consumer replaces the old one, and nothing is lost', async () => {
    const queue = unique('fast')
    const mq = await open(vhost.url)
    const numbers: number[] = []
    let release = () => undefined as void
    const told = new Promise<void>((resolve) => (release = resolve))
    const handler = on(note, async ({ payload: { n } }) => {
      if (n >= 500) await told
      numbers.push(n)
    })
    const consumer = await mq.consume(queue, [handler])
    const channel = await rawChannel(vhost.url)
    const send = (n: number) => channel.sendToQueue(queue, Buffer.from(JSON.stringify({ n })), { type: note.name })
    const look = () => channel.checkQueue(queue)
    for (let n = 0; n < 500; n++) send(n)
    await poll(() => numbers.length === 500, { what: 'the fast ones', timeoutMs: 20_000 })
    await poll(async () => (await look()).consumerCount === 1, { what: 'one consumer' })
    // The prefetch has room for all of them; ten are running.
    for (let n = 500; n < 590; n++) send(n)
    await poll(() => consumer.stats().running === 10, { what: 'the slow ones' })
    await poll(async () => (await look()).messageCount === 0, { what: 'nothing left in the queue' })
    release()
    await poll(() => numbers.length === 590, { what: 'all' })
    await consumer.close()
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 590 }, (_, n) => n))
    expect(await look()).toMatchObject({ messageCount: 0, consumerCount: 0 })
  })
})
