import { expect, it, onTestFinished, vi } from 'vitest'
import { MemoryQueue } from '../../../src/strategies/memory/memory-queue.js'
import { settled, world } from './world.js'
import { rejection } from '../thrown.js'

/** Handlers that end when they are told to. */
function gated() {
  const ends: (() => void)[] = []
  return { ends, handle: () => new Promise<void>((resolve) => ends.push(resolve)) }
}

it('a paused consumer starts no handler, and takes the messages again when it resumes', async () => {
  const { consumer, broker, arrive, log } = await world(() => undefined)
  await arrive('a')
  await consumer.pause()
  expect(consumer.isPaused).toBe(true)
  await arrive('b')
  expect([log, broker.messages('orders').length]).toEqual([['a'], 1])
  await consumer.resume()
  await settled()
  expect([consumer.isPaused, log, consumer.stats().handled]).toEqual([false, ['a', 'b'], 2])
})

it('ready and held messages go back to the queue, and running handlers settle theirs', async () => {
  const { ends, handle } = gated()
  const { consumer, broker, clock, arrive, log } = await world(handle, {}, { concurrency: 1 })
  await arrive('running')
  await arrive('ready')
  await arrive('held', { dueAt: clock.now() + 5000 })
  await consumer.pause()
  expect(consumer.stats()).toMatchObject({ running: 1, held: 0 })
  expect(broker.messages('orders').map(({ properties }) => properties['messageId'])).toEqual(['ready', 'held'])
  ends[0]!()
  await settled()
  expect([log, consumer.stats()]).toMatchObject([['running'], { running: 0, handled: 1 }])
  await consumer.resume()
  await settled()
  expect([log, consumer.stats()]).toMatchObject([['running', 'ready'], { running: 1, held: 1 }])
  clock.advance(5000)
  ends[1]!()
  await settled()
  expect(log).toEqual(['running', 'ready', 'held'])
})

it('a copy of a running message goes back as well once the outcome is known', async () => {
  const { ends, handle } = gated()
  const { consumer, broker, arrive } = await world(handle)
  await arrive('a')
  await arrive('a')
  expect(consumer.stats()).toMatchObject({ running: 1, following: 1 })
  await consumer.pause()
  ends[0]!()
  await settled()
  expect(consumer.stats()).toMatchObject({ running: 0, following: 0, handled: 1, suppressed: 1 })
  expect(broker.messages('orders')).toEqual([])
})

it('of many calls the last wins, and a handler may pause its own consumer', async () => {
  let pause = () => Promise.resolve()
  const { consumer, arrive, log } = await world(() => pause())
  await Promise.all([consumer.pause(), consumer.resume(), consumer.pause(), consumer.pause(), consumer.resume()])
  await arrive('a')
  pause = () => consumer.pause()
  await arrive('b')
  await arrive('c')
  expect([log, consumer.isPaused, consumer.stats().handled]).toEqual([['a', 'b'], true, 2])
})

it('a paused consumer closes, and a closed one is refused', async () => {
  const { consumer, broker, arrive } = await world(() => undefined)
  await consumer.pause()
  await arrive('a')
  await consumer.close()
  expect(broker.messages('orders')).toHaveLength(1)
  for (const call of [consumer.pause(), consumer.resume()]) expect((await rejection(call)).code).toBe('CLOSED')
})

it('a message that comes to a paused consumer all the same waits until it is due', async () => {
  const subscribe = Object.getOwnPropertyDescriptor(MemoryQueue.prototype, 'subscribe')!
    .value as MemoryQueue['subscribe']
  const spy = vi.spyOn(MemoryQueue.prototype, 'subscribe')
  onTestFinished(() => spy.mockRestore())
  // As of a broker that answers too late.
  spy.mockImplementation(function (this: MemoryQueue, ...args) {
    return { ...subscribe.apply(this, args), pause: () => Promise.resolve() }
  })
  const { consumer, clock, arrive, log } = await world(() => undefined)
  await consumer.pause()
  await arrive('early', { dueAt: clock.now() + 5000 })
  await consumer.resume()
  await settled()
  expect([log, consumer.stats().held]).toEqual([[], 1])
  clock.advance(5000)
  await settled()
  expect(log).toEqual(['early'])
})

it('handlers start at the rate, also those of retries', async () => {
  const { clock, arrive, log } = await world(() => undefined, {}, { ratePerSecond: 2 })
  for (const id of ['a', 'b', 'c']) await arrive(id)
  expect(log).toEqual(['a'])
  clock.advance(499)
  await settled()
  expect(log).toEqual(['a'])
  clock.advance(1)
  await settled()
  expect(log).toEqual(['a', 'b'])
  clock.advance(500)
  await settled()
  expect(log).toEqual(['a', 'b', 'c'])
})
