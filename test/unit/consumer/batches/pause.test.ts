import { expect, it, onTestFinished, vi } from 'vitest'
import { MemoryQueue } from '../../../../src/strategies/memory/memory-queue.js'
import { settled } from '../world.js'
import { batchWorld, gated, ids } from './world.js'

it('a batch of which nothing has started goes back whole, and comes again when the consumer resumes', async () => {
  const { arriveTogether, consumer, clock, log, batches, singles } = await batchWorld(() => undefined)
  await arriveTogether([
    { id: 'a', in: 300 },
    { id: 'b', in: 400 },
  ])
  await consumer.pause()
  expect([batches(), singles(), consumer.stats().held]).toEqual([1, [], 0])
  await consumer.resume()
  clock.advance(400)
  await settled()
  await consumer.close()
  expect([log, batches()]).toEqual([['a', 'b'], 0])
})

it('of a batch that has begun, the others go back singly: ready ones at once, early ones when they are due', async () => {
  const { handle, end } = gated()
  const { arriveTogether, consumer, clock, log, batches, singles, strategy } = await batchWorld(handle, {
    concurrency: 2,
  })
  await arriveTogether([...ids('first', 'second', 'third'), { id: 'early', in: 700 }])
  await end('first')
  expect(log).toEqual(['first', 'second', 'third'])
  await end('second')
  await consumer.pause()
  expect([batches(), singles(), strategy.waiting()]).toMatchObject([0, [], [{ id: 'early' }]])
  clock.advance(700)
  expect(singles()).toEqual(['early'])
  await end('third')
  await consumer.close()
  expect([batches(), singles(), consumer.stats()]).toMatchObject([0, ['early'], { handled: 3 }])
})

it('running items end while the consumer is paused, and the others are in the queue when the pause resolves', async () => {
  const { handle, end } = gated()
  const { arriveTogether, consumer, log, batches, singles } = await batchWorld(handle, { concurrency: 1 })
  await arriveTogether(ids('running', 'a', 'b'))
  await consumer.pause()
  expect([log, singles(), consumer.stats().running]).toEqual([['running'], ['a', 'b'], 1])
  await end('running')
  await consumer.resume()
  await settled()
  for (const id of ['a', 'b']) await end(id)
  await consumer.close()
  expect([log, batches(), singles()]).toEqual([['running', 'a', 'b'], 0, []])
})

it('a pause waits for the items that go back singly', async () => {
  const { handle, end } = gated()
  const { arriveTogether, consumer, singles, strategy } = await batchWorld(handle, { concurrency: 1 })
  const schedule = strategy.schedule.bind(strategy)
  strategy.schedule = async (...args) => {
    await settled()
    return schedule(...args)
  }
  await arriveTogether(ids('running', 'a', 'b'))
  await consumer.pause()
  expect(singles()).toEqual(['a', 'b'])
  await end('running')
})

it('a resume does not wait for items that go back singly, as while the producer is blocked', async () => {
  const { handle, end } = gated()
  const { arrive, arriveTogether, consumer, log, strategy, batches } = await batchWorld(handle, { concurrency: 1 })
  const schedule = strategy.schedule.bind(strategy)
  let unblock = () => undefined as void
  const blocked = new Promise<void>((resolve) => (unblock = resolve))
  strategy.schedule = async (...args) => {
    await blocked
    return schedule(...args)
  }
  await arriveTogether(ids('running', 'a'))
  const paused = consumer.pause()
  await settled()
  await end('running')
  await consumer.resume()
  await arrive('other')
  expect(log).toEqual(['running', 'other'])
  unblock()
  await paused
  for (const id of ['other', 'a']) await end(id)
  await consumer.close()
  expect([log, batches()]).toEqual([['running', 'other', 'a'], 0])
})

/** A world whose queues are paused by `pause`, which gets how they are otherwise. */
async function lateWorld(pause: (paused: () => Promise<void>) => Promise<void>) {
  const subscribe = Object.getOwnPropertyDescriptor(MemoryQueue.prototype, 'subscribe')!
    .value as MemoryQueue['subscribe']
  const spy = vi.spyOn(MemoryQueue.prototype, 'subscribe')
  onTestFinished(() => spy.mockRestore())
  spy.mockImplementation(function (this: MemoryQueue, ...args) {
    const subscription = subscribe.apply(this, args)
    return { ...subscription, pause: () => pause(() => subscription.pause()) }
  })
  return batchWorld(() => undefined)
}

it('batches that come while a pause begins go back unread', async () => {
  let arrive: (() => Promise<void>) | undefined
  const { arriveTogether, consumer, batches, dead } = await lateWorld(async (paused) => {
    const coming = arrive?.()
    arrive = undefined
    await coming
    await paused()
  })
  arrive = () => arriveTogether(ids('a'), { headers: { 'dueque-items': 2 } })
  await consumer.pause()
  expect([batches(), dead()]).toEqual([1, []])
})

it('a batch that comes to a paused consumer all the same waits until it resumes', async () => {
  const { arriveTogether, consumer, log } = await lateWorld(() => Promise.resolve())
  await consumer.pause()
  await arriveTogether(ids('a'))
  expect(log).toEqual([])
  await consumer.resume()
  await settled()
  expect(log).toEqual(['a'])
})

it('a close waits for the items that go back singly, and handles none twice', async () => {
  const { handle, end } = gated()
  const { arriveTogether, consumer, batches, singles, strategy } = await batchWorld(handle, { concurrency: 1 })
  const schedule = strategy.schedule.bind(strategy)
  strategy.schedule = async (...args) => {
    await settled()
    return schedule(...args)
  }
  await arriveTogether(ids('running', 'a', 'b'))
  const closed = consumer.close()
  await end('running')
  await closed
  expect([batches(), singles(), consumer.stats()]).toMatchObject([0, ['a', 'b'], { handled: 1 }])
})

it('an item that cannot go back singly before the close is over stays in its batch', async () => {
  const { handle, end } = gated()
  const { arriveTogether, consumer, batches, singles, strategy } = await batchWorld(handle, { concurrency: 1 })
  strategy.schedule = (_, { signal }) =>
    new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('aborted'))))
  await arriveTogether(ids('handled', 'a'))
  await end('handled')
  await consumer.close({ drainTimeoutMs: 200 })
  expect([batches(), singles()]).toEqual([1, []])
})

it('a batch that comes to a closing consumer goes back unread', async () => {
  const { handle, end } = gated()
  const { arriveTogether, arrive, consumer, batches, log } = await batchWorld(handle)
  await arrive('running')
  const closed = consumer.close()
  await arriveTogether(ids('a'))
  await end('running')
  await closed
  expect([log, batches()]).toEqual([['running'], 1])
})
