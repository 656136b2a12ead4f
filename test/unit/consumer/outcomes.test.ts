import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  isDuequeError,
  manualClock,
  memory,
  on,
  type Consumer,
  type ConsumeOptions,
  type Delivery,
} from '../../../src/index.js'
import { thrown } from '../thrown.js'

const START = Date.UTC(2026, 0, 1)
const order = defineMessage('order', z.number())

type Handle = (delivery: Delivery<number>) => unknown

/** One message in a world without a broker, whose clock the test moves. */
async function world(handle: Handle, options: ConsumeOptions = {}, schedule: { expiresIn?: number } = {}) {
  const clock = manualClock(START)
  const strategy = memory({ clock })
  const logged: unknown[] = []
  const logger = { debug() {}, info() {}, error() {}, warn: (...line: unknown[]) => logged.push(line) }
  const mq = await connect({ strategy, logger })
  onTestFinished(() => mq.close({ drainTimeoutMs: 0 }))
  const events: unknown[] = []
  for (const event of ['handled', 'retried', 'dead'] as const)
    mq.on(event, (about: unknown) => events.push([event, about]))
  const seen: Delivery<number>[] = []
  const handler = on(order, (delivery) => {
    seen.push(delivery)
    return handle(delivery)
  })
  const consumer: Consumer = await mq.consume('orders', [handler], options)
  await mq.schedule(order, 7, { to: { queue: 'orders' }, in: 0, id: 'o-7', ...schedule })
  const advance = async (ms: number) => {
    clock.advance(ms)
    await settled()
  }
  await settled()
  return { clock, broker: strategy.broker, events, logged, waiting: () => strategy.waiting(), consumer, seen, advance }
}

/** Waits until no promise can settle by itself. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

const fails: Handle = () => {
  throw new Error('no room')
}

it('a throw fails the attempt: the next follows after the back-off with the same due time and id, the last is dead', async () => {
  const { seen, advance, broker, consumer, clock } = await world(fails, {
    retry: { attempts: 3, backoff: ['5s', '1m'] },
  })
  expect(seen).toHaveLength(1)
  await advance(4999)
  expect(seen).toHaveLength(1)
  await advance(1)
  expect(seen).toHaveLength(2)
  await advance(60_000)
  expect(seen).toHaveLength(3)
  expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  for (const { id, dueAt, payload } of seen) expect([id, dueAt.getTime(), payload]).toEqual(['o-7', START, 7])
  expect(consumer.stats()).toMatchObject({ handled: 0, retried: 2, dead: 1 })
  expect(broker.take('orders.dead')!.headers).toMatchObject({
    'dueque-attempt': 3,
    'dueque-dead-reason': 'handler-error',
    'dueque-dead-error': 'no room',
    'dueque-first-failed': START,
    'dueque-last-failed': clock.now(),
    'dueque-due': START,
    'dueque-to': 'queue:orders',
  })
})

it('a successful attempt ends the retries', async () => {
  let failures = 2
  const { advance, consumer, broker, waiting } = await world(
    () => {
      if (failures-- > 0) throw new Error('not yet')
    },
    { retry: { backoff: 1000 } },
  )
  await advance(1000)
  await advance(1000)
  await advance(100_000)
  expect(consumer.stats()).toMatchObject({ handled: 1, retried: 2, dead: 0 })
  expect([broker.messages('orders'), broker.messages('orders.dead'), waiting()]).toEqual([[], [], []])
})

it('an error that is not retryable is dead at once; a predicate that throws counts as true', async () => {
  const hopeless = await world(fails, { retry: { retryable: (error) => (error as Error).message !== 'no room' } })
  expect(hopeless.consumer.stats()).toMatchObject({ retried: 0, dead: 1 })
  const broken = await world(fails, { retry: { retryable: () => fails(undefined as never) as boolean } })
  expect(broken.consumer.stats()).toMatchObject({ retried: 1, dead: 0 })
})

it('an expired message is dead at once, whatever the policy says', async () => {
  const { broker, advance } = await world(({ retry }) => retry({ in: '10s' }), { retry: {} }, { expiresIn: 1000 })
  await advance(10_000)
  const { headers } = broker.take('orders.dead')!
  expect(headers).toMatchObject({ 'dueque-dead-reason': 'expired' })
  expect(headers).not.toHaveProperty('dueque-first-failed')
})

it('retry() delivers the message again at the given time, any number of times, and is not a failure', async () => {
  const { seen, advance, consumer } = await world(({ retry }) => retry({ in: '10s' }))
  for (let n = 1; n <= 20; n++) {
    expect(seen).toHaveLength(n)
    await advance(9999)
    expect(seen).toHaveLength(n)
    await advance(1)
  }
  expect(seen.at(-1)!.attempt).toBe(21)
  expect(consumer.stats()).toMatchObject({ handled: 0, dead: 0 })
})

it('retry() without a delay uses the delay of the policy', async () => {
  const { seen, advance } = await world(({ retry }) => retry(), { retry: { backoff: '7s' } })
  await advance(6999)
  expect(seen).toHaveLength(1)
  await advance(1)
  expect(seen).toHaveLength(2)
})

it('deadLetter() moves the message to the dead queue with its own text', async () => {
  const { broker, consumer } = await world(({ deadLetter }) => deadLetter('patient moved'), { retry: {} })
  expect(consumer.stats()).toMatchObject({ retried: 0, dead: 1 })
  expect(broker.take('orders.dead')!.headers).toMatchObject({
    'dueque-dead-reason': 'dead-lettered',
    'dueque-dead-error': 'patient moved',
  })
})

it('the first decision counts: a later decision is an error, and a later throw changes nothing', async () => {
  const errors: unknown[] = []
  const { seen, consumer } = await world(({ retry, deadLetter }) => {
    retry({ in: '1m' })
    errors.push(thrown(() => deadLetter('no')))
    throw new Error('afterwards')
  })
  errors.push(thrown(() => seen[0]!.retry()))
  expect(errors.map((error) => isDuequeError(error, 'ALREADY_DECIDED'))).toEqual([true, true])
  expect(consumer.stats()).toMatchObject({ retried: 1, dead: 0 })
})

it('an invalid decision throws in the handler', async () => {
  const errors: unknown[] = []
  await world(({ retry, deadLetter }) => {
    for (const delay of ['soon', -1, '4000d']) errors.push(thrown(() => retry({ in: delay })))
    errors.push(thrown(() => deadLetter(7 as never)))
  })
  const codes = errors.map((error) => isDuequeError(error) && error.code)
  expect(codes).toEqual(['INVALID_DUE', 'INVALID_DUE', 'DELAY_OUT_OF_RANGE', 'INVALID_OPTION'])
})

it('a time-out aborts the signal of the handler: a throw after it is a failure, a return is not', async () => {
  const aborted = ({ signal }: Delivery<number>) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  const gaveIn = await world(aborted, { handlerTimeoutMs: 5000 })
  await gaveIn.advance(4999)
  expect(gaveIn.consumer.stats()).toMatchObject({ running: 1, dead: 0 })
  await gaveIn.advance(1)
  expect(gaveIn.broker.take('orders.dead')!.headers).toMatchObject({
    'dueque-dead-reason': 'handler-timeout',
    'dueque-dead-error': 'the handler took longer than 5000 ms',
  })
  const again = await world(aborted, { handlerTimeoutMs: 5000, retry: { backoff: 0 } })
  await again.advance(5000)
  expect(again.consumer.stats()).toMatchObject({ running: 1, retried: 1, dead: 0 })

  const wentOn = await world(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
    handlerTimeoutMs: 5000,
  })
  await wentOn.advance(5000)
  expect(wentOn.consumer.stats()).toMatchObject({ handled: 1, dead: 0 })
})

it('the signal of a handler that ends in time is never aborted', async () => {
  const { seen, advance } = await world(() => undefined, { handlerTimeoutMs: 5000 })
  await advance(10_000)
  expect(seen[0]!.signal.aborted).toBe(false)
})

it('warns if the prefetched messages could wait longer than the broker allows', async () => {
  const warnings: unknown[] = []
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (text: string) => warnings.push(text),
  }
  const mq = await connect({ strategy: memory(), logger })
  onTestFinished(() => mq.close())
  const handler = on(order, () => undefined)
  await mq.consume('a', [handler], { handlerTimeoutMs: 180_000, prefetch: 100, concurrency: 10 })
  expect(warnings).toEqual([])
  await mq.consume('b', [handler], { handlerTimeoutMs: 180_001, prefetch: 100, concurrency: 10 })
  await mq.consume('c', [handler], { handlerTimeoutMs: 1000, consumerTimeoutMs: 1900 })
  expect(warnings).toHaveLength(2)
  await mq.consume('d', [handler], { ratePerSecond: 0.5, prefetch: 900 })
  expect(warnings).toHaveLength(2)
  await mq.consume('e', [handler], { ratePerSecond: 0.5, prefetch: 901 })
  expect(warnings).toHaveLength(3)
})

it('each finished attempt emits an event with the thrown value itself', async () => {
  const error = new Error('not yet')
  let failures = 2
  const { events, advance } = await world(
    () => {
      if (failures-- > 0) throw error
    },
    { retry: { backoff: 1000 } },
  )
  await advance(1000)
  await advance(1000)
  const about = { queue: 'orders', id: 'o-7', name: 'order' }
  expect(events).toEqual([
    ['retried', { ...about, attempt: 1, error, delayMs: 1000 }],
    ['retried', { ...about, attempt: 2, error, delayMs: 1000 }],
    ['handled', { ...about, attempt: 3 }],
  ])
  expect((events as [string, { error: unknown }][])[0]![1].error).toBe(error)
})

it.each<[string, Handle, { expiresIn?: number }, object]>([
  ['a throw', fails, {}, { reason: 'handler-error', error: new Error('no room') }],
  ['a decision', ({ deadLetter }) => deadLetter('no use'), {}, { reason: 'dead-lettered', error: 'no use' }],
])('a message dead-lettered after %s emits an event', async (_, handle, schedule, about) => {
  const { events } = await world(handle, {}, schedule)
  expect(events).toEqual([['dead', { queue: 'orders', id: 'o-7', name: 'order', attempt: 1, ...about }]])
})

it('each throw is logged as a warning with its stack, and the dead message keeps the stack', async () => {
  const { logged, advance, broker } = await world(fails, { retry: { attempts: 2, backoff: 1000 } })
  await advance(1000)
  const about = {
    queue: 'orders',
    id: 'o-7',
    error: 'no room',
    stack: expect.stringContaining('outcomes.test.ts:') as string,
  }
  expect(logged).toEqual([
    ['a handler threw', { ...about, attempt: 1 }],
    ['a handler threw', { ...about, attempt: 2 }],
    ['message given up', { queue: 'orders', id: 'o-7', attempt: 2, reason: 'handler-error', error: 'no room' }],
  ])
  expect(broker.take('orders.dead')!.headers['dueque-dead-stack']).toMatch(/^Error: no room\n +at .*outcomes.test.ts:/)
})

it('a stack is cut between two characters, and a throw without a stack is reported as well', async () => {
  const long = Object.assign(new Error('deep'), { stack: 'é'.repeat(3000) })
  const { broker } = await world(() => Promise.reject(long))
  expect(broker.take('orders.dead')!.headers['dueque-dead-stack']).toBe('é'.repeat(2000))
  const plain = await world(() => Promise.reject('no error'))
  expect(plain.logged[0]).toEqual(['a handler threw', { queue: 'orders', id: 'o-7', attempt: 1, error: 'no error' }])
  expect(plain.broker.take('orders.dead')!.headers).not.toHaveProperty('dueque-dead-stack')
})
