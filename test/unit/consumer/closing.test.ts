import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  memory,
  on,
  type Consumer,
  type Delivery,
  type Dueque,
  type WaitingMethods,
} from '../../../src/index.js'
import { testDueque, type TestDueque } from '../../../src/testing/index.js'

const order = defineMessage('order', z.number())
const to = { queue: 'orders' }

function gate() {
  let open = () => undefined as unknown as void
  const promise = new Promise<void>((resolve) => (open = resolve))
  return { promise, open }
}

/** The outcome of a promise. */
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error as { code?: unknown }).code,
  )

/** A consumer whose handler runs `handle` when the test lets it go on, and its message. */
async function world(handle: (delivery: Delivery<number>) => unknown, mq?: TestDueque['mq']) {
  mq ??= await connect({ strategy: memory(), logger: false })
  const connection = mq
  onTestFinished(() => connection.close({ drainTimeoutMs: 0 }))
  const started = gate()
  const going = gate()
  const handled: number[] = []
  const handler = on(order, async (delivery) => {
    if (delivery.payload > 0) return handled.push(delivery.payload)
    started.open()
    await going.promise
    return handle(delivery)
  })
  const consumer = await mq.consume('orders', [handler], { concurrency: 5 })
  await mq.schedule(order, 0, { to, in: 0 })
  await started.promise
  return { mq: connection, consumer, handled, goOn: going.open }
}

it.each([
  ['a connection', undefined],
  ['dueque/testing', () => testDueque({ queues: ['orders'] }).then(({ mq }) => mq)],
])('only running handlers of %s can schedule while it closes', async (_, open) => {
  const results: unknown[] = []
  const { mq, consumer, goOn } = await world(
    async () => {
      results.push(await outcome(mq.schedule(order, 1, { to, in: '1h' })))
      await Promise.resolve()
      const items = [2, 3].map((payload) => ({ message: order, payload, options: { to, in: '1h' } }))
      for await (const { error } of mq.scheduleAll(items)) results.push(error?.code ?? 'ok')
      results.push(await outcome(mq.consume('others', [on(order, () => undefined)])))
    },
    await open?.(),
  )
  const closed = mq.close()
  expect(await outcome(mq.schedule(order, 9, { to, in: '1h' }))).toBe('CLOSED')
  expect(await outcome((mq as unknown as WaitingMethods).count())).toBe('CLOSED')
  goOn()
  await closed
  expect(results).toEqual(['ok', 'ok', 'ok', 'CLOSED'])
  expect(consumer.stats()).toMatchObject({ handled: 1, dead: 0 })
})

it('a schedule that a handler does not wait for is confirmed before the connection closes', async () => {
  const slow = defineMessage(
    'slow',
    z.number().refine(() => new Promise<boolean>((resolve) => setTimeout(resolve, 50, true))),
  )
  let scheduled: Promise<unknown> | undefined
  const { mq, goOn } = await world(() => {
    scheduled = outcome(mq.schedule(slow, 1, { to, in: '1h' }))
  })
  const closed = mq.close()
  goOn()
  await closed
  expect(await scheduled).toBe('ok')
})

it('a call after its handler has ended is an outside call', async () => {
  const later = gate()
  let result: Promise<unknown> | undefined
  const { mq, consumer, goOn } = await world(() => {
    result = later.promise.then(() => outcome(mq.schedule(order, 1, { to, in: '1h' })))
  })
  // Keeps the close from ending.
  const other = gate()
  await mq.consume('others', [on(order, () => other.promise)])
  await mq.schedule(order, 5, { to: { queue: 'others' }, in: 0 })
  const closed = mq.close()
  goOn()
  await expect.poll(() => consumer.stats().handled).toBe(1)
  later.open()
  expect(await result).toBe('CLOSED')
  other.open()
  await closed
})

it('a handler of one connection is an outside caller of another', async () => {
  const strategy = memory()
  const other = await connect({ strategy, logger: false })
  onTestFinished(() => other.close())
  let result: unknown
  const { mq, goOn } = await world(async () => {
    result = await outcome(other.schedule(order, 1, { to, in: '1h' }))
    await other.close()
  })
  const held = gate()
  await other.consume('orders', [on(order, () => held.promise)], { declare: true })
  await other.schedule(order, 1, { to, in: 0 })
  const closed = other.close()
  held.open()
  goOn()
  await closed
  await mq.close()
  expect(result).toBe('CLOSED')
})

const closes: [string, (mq: Dueque, consumer: Consumer) => Promise<void>][] = [
  ['mq.close()', (mq) => mq.close()],
  ['consumer.close()', (_, consumer) => consumer.close()],
  ['await using', (mq) => mq[Symbol.asyncDispose]() as Promise<void>],
]
it.each(closes)('awaiting %s in a handler rejects at once, and the close goes on', async (_, close) => {
  let error: unknown
  const { mq, consumer, goOn } = await world(async ({ id }) => {
    await close(mq, consumer).catch((failure: unknown) => (error = failure))
    expect(error).toMatchObject({ code: 'CLOSE_IN_HANDLER', data: { queue: 'orders', id } })
  })
  const start = performance.now()
  goOn()
  await expect.poll(() => error).toBeDefined()
  await close(mq, consumer)
  expect(performance.now() - start).toBeLessThan(10_000)
  expect(consumer.stats()).toMatchObject({ handled: 1, dead: 0, running: 0 })
})

it.each(closes)('%s in a handler need not be awaited', async (_, close) => {
  const rejected: unknown[] = []
  const listener = (reason: unknown) => rejected.push(reason)
  process.on('unhandledRejection', listener)
  onTestFinished(() => void process.off('unhandledRejection', listener))
  const { mq, consumer, goOn } = await world(() => {
    void close(mq, consumer)
  })
  goOn()
  await expect.poll(() => consumer.stats().handled).toBe(1)
  await close(mq, consumer)
  await new Promise(setImmediate)
  expect(rejected).toEqual([])
  expect(await outcome(mq.consume('others', [on(order, () => undefined)]))).toBe(
    close === closes[1]![1] ? 'ok' : 'CLOSED',
  )
})

it('a handler may close another consumer, and await it', async () => {
  let result: unknown
  const { mq, consumer, goOn } = await world(async () => {
    result = await outcome(other.close())
  })
  const other = await mq.consume('others', [on(order, () => undefined)])
  goOn()
  await expect.poll(() => consumer.stats().handled).toBe(1)
  expect(result).toBe('ok')
})

it('the close of dueque/testing in a handler need not be awaited either', async () => {
  const world = await testDueque({ queues: ['orders'] })
  let result: Promise<unknown> | undefined
  await world.mq.consume('orders', [
    on(order, () => {
      void world.close()
      result = outcome(world.close())
    }),
  ])
  await world.mq.schedule(order, 1, { to, in: 0 })
  await expect.poll(() => result).toBeDefined()
  expect(await result).toBe('CLOSE_IN_HANDLER')
  await world.close()
})

it('close does not wait longer than its time for a handler, even one with its own time-out', async () => {
  const mq = await connect({ strategy: memory(), logger: false })
  let signal: AbortSignal | undefined
  const never = on(order, (delivery) => {
    signal = delivery.signal
    return new Promise(() => undefined)
  })
  await mq.consume('orders', [never], { handlerTimeoutMs: 60_000 })
  await mq.schedule(order, 1, { to, in: 0 })
  await expect.poll(() => signal).toBeDefined()
  const start = performance.now()
  await mq.close({ drainTimeoutMs: 400 })
  expect(performance.now() - start).toBeLessThan(5000)
  expect(signal?.aborted).toBe(true)
})
