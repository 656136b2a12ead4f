import { expect, it, onTestFinished, vi } from 'vitest'
import { resolveLogger } from '../../../../src/base/logger.js'
import { connect, memory, on, type Delivery, type DuequeEvents } from '../../../../src/index.js'
import { MemoryQueue } from '../../../../src/strategies/memory/memory-queue.js'
import type { Arrival } from '../../../../src/broker.js'
import { batchOf, noteItem } from '../../../support/batch-of.js'
import { note, unique } from '../../../strategies/recorder.js'
import { rejection } from '../../thrown.js'
import { settled } from '../world.js'
import { batchWorld, gated, ids } from './world.js'

const nothing = () => undefined

it('a handler gets an item as it gets a message that arrived by itself', async () => {
  const seen: Delivery[] = []
  const { arrive, arriveTogether, clock, made } = await batchWorld((delivery) => void seen.push(delivery))
  const more = { headers: { tenant: 'ä' }, correlationId: 'c', priority: 3, expiresAt: clock.now() + 5000 }
  const item = { id: 'a', scheduledAt: 1_764_000_000_000, revision: 5, ...more }
  await arriveTogether([item, { id: 'b' }])
  await arrive('a', { ...item, attempt: 2 })
  expect(seen).toHaveLength(3)
  const plain = ({ attempt: _, signal: __, retry: ___, deadLetter: ____, ...rest }: Delivery) => rest
  expect(plain(seen[0]!)).toEqual(plain(seen[2]!))
  expect(seen[0]).toMatchObject({
    id: 'a',
    name: 'order',
    payload: 1,
    attempt: 1,
    routingKey: 'orders',
    ...{ latenessMs: 0 },
  })
  expect(made([{ id: 'a' }]).name).toBe('dueque.batch')
})

it('each item is held to its own due time', async () => {
  const { arriveTogether, clock, log, consumer } = await batchWorld(nothing)
  await arriveTogether([{ id: 'now' }, { id: 'later', in: 600 }, { id: 'soon', in: 200 }])
  expect([log, consumer.stats().held]).toEqual([['now'], 2])
  clock.advance(599)
  await settled()
  expect(log).toEqual(['now', 'soon'])
  clock.advance(1)
  await settled()
  expect([log, consumer.stats()]).toMatchObject([['now', 'soon', 'later'], { held: 0, handled: 3 }])
})

it('a batch is acknowledged when its last item is settled, however each of them ends', async () => {
  const { handle, end } = gated()
  const events: string[] = []
  const isCancelled = ({ id }: { id?: string | undefined }) => id === 'cancelled'
  const options = { retry: { attempts: 2, backoff: '1m' } }
  const {
    arriveTogether,
    consumer,
    events: heard,
    dead,
    strategy,
    batches,
  } = await batchWorld(handle, options, {
    isCancelled,
  })
  heard.on('retried', ({ id }) => events.push(`retried ${id}`))
  heard.on('dead', ({ id, reason }) => events.push(`dead ${id} ${reason}`))
  const items = ids('good', 'bad', 'slow', 'cancelled', 'foreign').map((item) => ({
    ...item,
    ...(item.id === 'foreign' && { name: 'nobody' }),
  }))
  await arriveTogether(items)
  await end('good')
  await end('bad', new Error('no'))
  expect(events).toEqual(['dead foreign unknown-message', 'retried bad'])
  expect(consumer.stats()).toMatchObject({ handled: 1, dead: 1, retried: 1, cancelled: 1, running: 1 })
  expect(dead().map(({ properties }) => properties['messageId'])).toEqual(['foreign'])
  expect(strategy.waiting()).toMatchObject([{ id: 'bad', attempt: 2, destination: { queue: 'orders' } }])
  await end('slow')
  await consumer.close()
  expect(batches()).toBe(0)
})

it('a batch that is not settled when its consumer has closed is in the queue again', async () => {
  const { handle, end } = gated()
  const { arriveTogether, consumer, batches } = await batchWorld(handle)
  await arriveTogether(ids('good', 'slow'))
  await end('good')
  await consumer.close({ drainTimeoutMs: 0 })
  expect(batches()).toBe(1)
})

it('an item of two copies of a batch is handled once', async () => {
  const { handle, end } = gated()
  const { arriveTogether, consumer, log, batches } = await batchWorld(handle)
  for (let copy = 0; copy < 2; copy++) await arriveTogether(ids('a', 'b'), { id: 'copied', revision: 7 })
  expect(consumer.stats()).toMatchObject({ running: 2, following: 2 })
  for (const id of ['a', 'b']) await end(id)
  await consumer.close()
  expect([log, batches(), consumer.stats().suppressed]).toEqual([['a', 'b'], 0, 2])
})

it('which items of an open batch are settled is known, however many batches came since', async () => {
  const { handle, end } = gated()
  const handleSlowly = (delivery: Delivery<number>) => (delivery.id === 'slow' ? handle(delivery) : undefined)
  // Nothing else remembers settled items.
  const options = { prefetch: 3, duplicates: { maxEntries: 0 } }
  const { arriveTogether, consumer, log, batches } = await batchWorld(handleSlowly, options)
  const arriveOpen = () => arriveTogether(ids('done', 'slow'), { id: 'open', revision: 7 })
  await arriveOpen()
  await Promise.all(Array.from({ length: 1100 }, (_, n) => arriveTogether(ids(`${n}`))))
  await vi.waitFor(() => expect(log).toHaveLength(1102), { timeout: 4000 })
  await arriveOpen()
  await end('slow')
  await consumer.close()
  expect([log.filter((id) => id === 'done'), log.length, batches()]).toEqual([['done'], 1102, 0])
})

it('a batch that cannot be read goes to the dead queue whole, and the next one is handled', async () => {
  const { arriveTogether, consumer, events, log, dead } = await batchWorld(nothing)
  const heard: Parameters<DuequeEvents['dead']>[0][] = []
  events.on('dead', (event) => heard.push(event))
  await arriveTogether(ids('a', 'b'), { id: 'cut', headers: { 'dueque-items': 3 } })
  await arriveTogether(ids('c'))
  expect([log, consumer.stats()]).toMatchObject([['c'], { dead: 1, handled: 1 }])
  expect(heard).toMatchObject([{ queue: 'orders', id: 'cut', name: 'dueque.batch', reason: 'unreadable-batch' }])
  const [moved] = dead()
  expect(moved!.headers).toMatchObject({
    'dueque-dead-reason': 'unreadable-batch',
    'dueque-dead-error': 'a batch of 2 items that should have 3',
    'dueque-items': 3,
    'dueque-to': 'queue:orders.batches',
  })
  expect(Buffer.from(moved!.body).toString()).toContain('"id":"a"')
})

it.each([
  ['counted by the broker', { abandoned: 1 }],
  ['counted, but no more often than this consumer was cut off', { headers: { 'x-delivery-count': 1 } }],
  ['redelivered by a queue that does not count', { redelivered: true }],
])('every item of a batch that was abandoned, %s, is published singly before a handler runs', async (_, seen) => {
  const subscribe = Object.getOwnPropertyDescriptor(MemoryQueue.prototype, 'subscribe')!
    .value as MemoryQueue['subscribe']
  const spy = vi.spyOn(MemoryQueue.prototype, 'subscribe')
  onTestFinished(() => spy.mockRestore())
  // As of a broker whose consumer has died.
  spy.mockImplementation(function (this: MemoryQueue, prefetch, listener) {
    const died = (arrival: Arrival) => {
      const headers = { ...arrival.headers, ...('headers' in seen && seen.headers) }
      return listener(Object.defineProperties(arrival, valuesOf({ ...seen, headers })))
    }
    return subscribe.call(this, prefetch, died)
  })
  const { arriveTogether, clock, consumer, log, strategy, batches } = await batchWorld(nothing, { prefetch: 1 })
  const schedule = vi.spyOn(strategy, 'schedule')
  const started = log.push.bind(log)
  log.push = (...all) => {
    expect(schedule).toHaveBeenCalledTimes(3)
    return started(...all)
  }
  await arriveTogether([{ id: 'a' }, { id: 'early', in: 500 }, { id: 'b' }])
  expect(strategy.waiting()).toMatchObject([{ id: 'early', destination: { queue: 'orders' } }])
  clock.advance(500)
  await settled()
  await consumer.close()
  expect([[...log], consumer.stats().handled, batches()]).toEqual([['a', 'b', 'early'], 3, 0])
})

const valuesOf = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]))

it.each([
  ['no flag', { batches: 'yes' as never }, 'orders', 'INVALID_OPTION'],
  ['a queue name that leaves no room', { batches: true }, 'q'.repeat(230), 'NAME_TOO_LONG'],
  ['no queue for batches, without declare', { batches: true, declare: false }, 'orders', 'DESTINATION_MISSING'],
])('%s is refused', async (_, options, queue, code) => {
  const strategy = memory()
  const mq = await connect({ strategy, logger: false })
  onTestFinished(() => mq.close())
  strategy.broker.declareQueue('orders')
  const refused = mq.consume(queue, [on(note, nothing)], options)
  expect((await rejection(refused)).code).toBe(code)
})

it('a consumer without batches declares no queue for them, and one with them closes with both', async () => {
  const strategy = memory()
  const mq = await connect({ strategy, logger: false })
  onTestFinished(() => mq.close())
  const queue = unique('both')
  const single = await mq.consume(queue, [on(note, nothing)])
  expect(strategy.broker.queues()).toEqual([queue, `${queue}.dead`])
  await single.close()
  const both = await mq.consume(queue, [on(note, nothing)], { batches: true })
  await both.close()
  await strategy.schedule(batchOf([noteItem(queue, 1, 0)]), { declare: false })
  expect(strategy.broker.messages(`${queue}.batches`)).toHaveLength(1)
})

it('warnings about early arrivals are for batches, not for items that are early by their slot', async () => {
  const warned: [string, unknown][] = []
  const logger = {
    ...resolveLogger(false),
    warn: (text: string, about?: Record<string, unknown>) => void warned.push([text, about]),
  }
  const { arriveTogether, arrive, clock } = await batchWorld(nothing, { prefetch: 2 }, { logger })
  const early = (delay: number) => [delay, delay + 999].map((ms, n) => ({ id: `${delay}-${n}`, in: ms }))
  await arriveTogether(early(1))
  // Both items are held as well.
  await arrive('single', { dueAt: clock.now() + 10 })
  expect(warned).toEqual([])
  await arriveTogether(early(1200))
  expect(warned).toMatchObject([
    [expect.stringContaining('the clocks differ'), { queue: 'orders.batches', earlyMs: 1200 }],
    [expect.stringContaining('raise prefetch'), { queue: 'orders.batches', prefetch: 2 }],
  ])
})
