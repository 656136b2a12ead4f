import type { Channel } from 'amqplib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { Topology } from '../../src/amqp/topology/topology.js'
import { abandon } from '../support/dead.js'
import { poll, useVhost } from '../support/broker.js'
import { open, rawChannel } from '../support/mq.js'
import { depth } from '../support/parked.js'
import { note, Recorder, scheduleNotes, unique } from '../strategies/recorder.js'
import { on } from '../../src/index.js'

const vhost = useVhost()

test('messages that a paused consumer had not started go to another one, and come to it again when it resumes', async () => {
  const queue = unique('pause')
  const mq = await open(vhost.url)
  const numbers: number[] = []
  const ends: (() => void)[] = []
  const slow = on(note, ({ payload }) => {
    numbers.push(payload.n)
    return new Promise<void>((resolve) => ends.push(resolve))
  })
  const paused = await mq.consume(queue, [slow], { concurrency: 1, prefetch: 20 })
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 10 }, () => 0),
  )
  await poll(() => ends.length === 1, { what: 'the first handler' })
  await paused.pause()
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'up' })
  const other = await Recorder.on(await open(vhost.url), queue)
  await other.has(9)
  ends[0]!()
  await poll(() => paused.stats().handled === 1, { what: 'the end of the first handler' })
  expect([...numbers, ...other.numbers].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, n) => n))

  const raw = await rawChannel(vhost.url)
  await poll(async () => (await raw.checkQueue(queue)).consumerCount === 1, { what: 'the cancelled consumer' })
  await paused.resume()
  expect((await raw.checkQueue(queue)).consumerCount).toBe(2)
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 40 }, () => 0),
  )
  await poll(() => numbers.length === 2, { what: 'a message for the consumer that resumed' })
  ends[1]!()
  await paused.close({ drainTimeoutMs: 0 })
})

test('a paused consumer stays paused when its queue is deleted and its channel lost, and resumes then', async () => {
  const queue = unique('pause')
  const mq = await open(vhost.url)
  const recorder = new Recorder()
  const consumer = await mq.consume(queue, [on(note, (delivery) => void recorder.deliveries.push(delivery))])
  await consumer.pause()
  const raw = await rawChannel(vhost.url)
  await raw.deleteQueue(queue)
  await Promise.all([consumer.resume(), consumer.pause()])
  await scheduleNotes(mq, queue, [0, 0])
  await poll(async () => (await raw.checkQueue(queue)).messageCount === 2, { what: 'two messages that nobody takes' })
  await consumer.resume()
  await recorder.has(2)
})

test('a consumer whose queue was deleted while it was paused declares it again as it resumes', async () => {
  const queue = unique('pause')
  const mq = await open(vhost.url)
  const consumer = await mq.consume(queue, [on(note, () => undefined)])
  await consumer.pause()
  const raw = await rawChannel(vhost.url)
  await raw.deleteQueue(queue)
  await consumer.resume()
  await poll(() => mq.health().consumer === 'up', { what: 'the consumer' })
  expect((await raw.checkQueue(queue)).consumerCount).toBe(1)
})

/** A consumer over a connection that can be cut. */
async function cuttable() {
  const queue = unique('pause')
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const mq = await open(proxy.url())
  const recorder = new Recorder()
  const consumer = await mq.consume(queue, [on(note, (delivery) => void recorder.deliveries.push(delivery))])
  return { queue, consumer, recorder, proxy, raw: await rawChannel(vhost.url) }
}

test('a consumer that resumes while its channel comes back takes all messages', async () => {
  const { queue, consumer, recorder, proxy } = await cuttable()
  await consumer.pause()
  const destination = Object.getOwnPropertyDescriptor(Topology.prototype, 'destination')!
    .value as Topology['destination']
  let resuming: Promise<void> | undefined
  const spy = vi.spyOn(Topology.prototype, 'destination')
  onTestFinished(() => spy.mockRestore())
  // The new channel is there, and does not consume yet.
  spy.mockImplementation(async function (this: Topology, ...args) {
    await (resuming ??= consumer.resume())
    return destination.apply(this, args)
  })
  proxy.cut()
  await poll(() => resuming !== undefined, { what: 'the new channel', timeoutMs: 20_000 })
  await scheduleNotes(await open(vhost.url), queue, [0, 0, 0, 0])
  await recorder.has(4)
})

test('a pause that begins while the consumer starts again is in force when it resolves', async () => {
  const { queue, consumer, recorder, proxy, raw } = await cuttable()
  const channels = Object.getPrototypeOf(raw) as Channel
  const consume = Object.getOwnPropertyDescriptor(channels, 'consume')!.value as Channel['consume']
  let pausing: Promise<void> | undefined
  const spy = vi.spyOn(channels, 'consume')
  onTestFinished(() => spy.mockRestore())
  spy.mockImplementation(function (this: Channel, ...args) {
    if (args[0] === queue) pausing ??= consumer.pause()
    return consume.apply(this, args)
  })
  proxy.cut()
  await poll(() => pausing !== undefined, { what: 'the new consumer', timeoutMs: 20_000 })
  await pausing
  await scheduleNotes(await open(vhost.url), queue, [0, 0])
  await poll(async () => (await depth(raw, queue)) === 2, { what: 'two messages that nobody takes' })
  await consumer.resume()
  await recorder.has(2)
})

test('a pause is no attempt of the messages that it gives back', async () => {
  const queue = unique('pause')
  const mq = await open(vhost.url)
  const raw = await rawChannel(vhost.url)
  const holds = (count: number) => poll(async () => (await depth(raw, queue)) === count, { what: `${count} in it` })
  const numbers: number[] = []
  let end = () => undefined as void
  const told = new Promise<void>((resolve) => (end = resolve))
  const handler = on(note, async ({ payload: { n } }) => {
    numbers.push(n)
    if (n === 0) await told
  })
  const consumer = await mq.consume(queue, [handler], { concurrency: 1, prefetch: 20 })
  await mq.schedule(note, { n: 0 }, { to: { queue }, in: 0 })
  await poll(() => numbers.length === 1, { what: 'the first handler' })
  await consumer.pause()
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
  await holds(1)
  await abandon(vhost.url, queue, 45)
  for (let pauses = 0; pauses < 8; pauses++) {
    await holds(1)
    await consumer.resume()
    await holds(0)
    await consumer.pause()
  }
  await consumer.resume()
  end()
  await poll(() => consumer.stats().handled === 2, { what: 'both messages' })
  expect(numbers).toEqual([0, 1])
})

test('handlers start at ratePerSecond', async () => {
  const queue = unique('rate')
  const mq = await open(vhost.url)
  const starts: number[] = []
  const handler = on(note, () => void starts.push(performance.now()))
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 11 }, () => 0),
  )
  await mq.consume(queue, [handler], { ratePerSecond: 20 })
  await poll(() => starts.length === 11, { what: 'all handlers' })
  // Ten intervals of 50 ms, of which 10 ms may be caught up.
  expect(starts.at(-1)! - starts[0]!).toBeGreaterThanOrEqual(490)
})
