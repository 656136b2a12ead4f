import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  memory,
  on,
  type ConnectOptions,
  type Consumer,
  type Delivery,
  type Headers,
  type Telemetry,
} from '../../src/index.js'
import { runWrapped } from '../../src/telemetry.js'
import { rejection } from './thrown.js'

const order = defineMessage('order', z.number())
const to = { queue: 'orders' }
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 5))

function logger() {
  const none = () => undefined
  return { debug: none, info: none, warn: none, error: vi.fn() }
}

type Hook = (run: () => Promise<string>) => unknown

describe('a hook', () => {
  const never = new Promise(() => undefined)
  it.each<[string, Hook, boolean]>([
    ['returns the promise of run', (run) => run(), false],
    ['does not return it', (run) => void run(), false],
    ['is asynchronous', async (run) => await run(), false],
    ['calls run twice', (run) => [run(), run()], false],
    ['does not call run', () => undefined, false],
    ['calls run too late', (run) => Promise.resolve().then(run), false],
    ['never ends', (run) => (void run(), never), false],
    [
      'throws before run',
      () => {
        throw new Error('hook')
      },
      true,
    ],
    [
      'throws after run',
      (run) => {
        void run()
        throw new Error('hook')
      },
      true,
    ],
    ['rejects before run', () => Promise.reject(new Error('hook')), true],
    ['rejects after run', (run) => run().then(() => Promise.reject(new Error('hook'))), true],
    ['returns no promise', (run) => (void run(), { then: 5 }), false],
  ])('that %s changes neither the outcome nor how often it runs', async (_, hook, isLogged) => {
    const log = logger()
    let runs = 0
    const run = () => {
      runs++
      return Promise.resolve('outcome')
    }
    expect(await runWrapped(hook, run, log)).toBe('outcome')
    await settled()
    expect(runs).toBe(1)
    expect(log.error.mock.calls).toEqual(isLogged ? [['a telemetry hook threw', { error: 'hook' }]] : [])
  })

  it.each<[string, Hook, boolean]>([
    ['passes on the rejection of run', async (run) => await run(), false],
    ['hides it', (run) => run().catch(() => 'hidden'), false],
    ['replaces it', (run) => run().catch(() => Promise.reject(new Error('other'))), true],
    ['does not look at it', (run) => void run(), false],
  ])('that %s leaves the rejection as it is', async (_, hook, isLogged) => {
    const log = logger()
    const own = new Error('own')
    const rejected = runWrapped(hook, () => Promise.reject(own), log)
    await expect(rejected).rejects.toBe(own)
    await settled()
    expect(log.error).toHaveBeenCalledTimes(isLogged ? 1 : 0)
  })
})

/** A consumer of orders on a connection with the telemetry. */
async function world(
  telemetry: Telemetry,
  handle: (delivery: Delivery<number>) => unknown = () => undefined,
  options: ConnectOptions = {},
) {
  const log = logger()
  const mq = await connect({ strategy: memory(), logger: log, telemetry, ...options })
  onTestFinished(() => mq.close({ drainTimeoutMs: 0 }))
  const deliveries: Delivery<number>[] = []
  const handler = on(order, (delivery) => {
    deliveries.push(delivery)
    return handle(delivery)
  })
  const consumer = await mq.consume('orders', [handler], { handlerTimeoutMs: 60_000 })
  return { mq, consumer, deliveries, log }
}

describe('schedule', () => {
  it('is called for each schedule, and its headers travel with the message', async () => {
    const infos: unknown[] = []
    const seen: Headers[] = []
    const { mq, deliveries } = await world({
      schedule: (info, headers, run) => {
        infos.push(info)
        seen.push({ ...headers })
        headers['traceparent'] = '00-1'
        return run()
      },
    })
    const receipt = await mq.schedule(order, 1, { to, in: 0, headers: { tenant: 'a' } })
    const items = [2, 3].map((payload) => ({ message: order, payload, options: { to, in: 0 } }))
    expect(await mq.scheduleAll(items)).toMatchObject({ scheduled: 2 })
    await settled()
    expect(infos).toHaveLength(3)
    expect(infos[0]).toEqual({ id: receipt.id, name: 'order', to, dueAt: new Date(receipt.dueAt) })
    expect(seen).toEqual([{ tenant: 'a' }, {}, {}])
    expect(deliveries.map(({ headers }) => headers)).toEqual([
      { tenant: 'a', traceparent: '00-1' },
      { traceparent: '00-1' },
      { traceparent: '00-1' },
    ])
  })

  it.each<[string, (headers: Record<string, unknown>) => void]>([
    ['of dueque', (headers) => (headers['dueque-due'] = 5)],
    ['without an encoding', (headers) => (headers['now'] = new Date())],
    ['of too many bytes', (headers) => (headers['baggage'] = 'x'.repeat(60_000))],
  ])('a header %s is logged, and the message goes without it', async (_, add) => {
    const { mq, deliveries, log } = await world({
      schedule: (_info, headers, run) => {
        headers['traceparent'] = '00-1'
        add(headers)
        return run()
      },
    })
    await mq.schedule(order, 1, { to, in: 0, headers: { tenant: 'a' } })
    await settled()
    expect(deliveries.map(({ headers }) => headers)).toEqual([{ tenant: 'a' }])
    expect(log.error).toHaveBeenCalledOnce()
  })

  it('wraps the whole schedule: the strategy runs in the context of the hook, and a failure reaches the hook', async () => {
    const context = new AsyncLocalStorage<string>()
    const contexts: unknown[] = []
    const failures: unknown[] = []
    const strategy = memory()
    const inner = strategy.schedule.bind(strategy)
    strategy.schedule = (message, options) => {
      contexts.push(context.getStore())
      return inner(message, options)
    }
    const telemetry: Telemetry = {
      schedule: (_, __, run) =>
        context.run('span', run).catch((error: unknown) => {
          failures.push(error)
          throw error
        }),
    }
    const { mq, log } = await world(telemetry, undefined, { strategy })
    await mq.schedule(order, 1, { to, in: 0 })
    const errors = [
      await rejection(mq.schedule(order, 'x' as never, { to, in: 0 })),
      await rejection(mq.schedule(order, 1, { to: { queue: 'none' }, in: 0 })),
    ]
    expect(contexts).toEqual(['span', 'span'])
    expect(errors.map(({ code }) => code)).toEqual(['INVALID_PAYLOAD', 'DESTINATION_MISSING'])
    expect(failures).toEqual(errors)
    expect(log.error).not.toHaveBeenCalled()
  })

  it('is not called for refused options', async () => {
    const schedule = vi.fn()
    const { mq } = await world({ schedule })
    expect((await rejection(mq.schedule(order, 1, { to, in: 'soon' }))).code).toBe('INVALID_DUE')
    expect((await rejection(mq.schedule(order, 1, undefined as never))).code).toBe('INVALID_OPTION')
    await mq.close()
    expect((await rejection(mq.schedule(order, 1, { to, in: 0 }))).code).toBe('CLOSED')
    expect(schedule).not.toHaveBeenCalled()
  })
})

describe('process', () => {
  it('wraps the handler, with its delivery', async () => {
    const context = new AsyncLocalStorage<string>()
    const contexts: unknown[] = []
    const process = vi.fn<NonNullable<Telemetry['process']>>((_, run) => context.run('span', run))
    const { mq, deliveries } = await world({ process }, () => contexts.push(context.getStore()))
    await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    expect(contexts).toEqual(['span'])
    expect(process.mock.calls[0]![0]).toEqual({ queue: 'orders', delivery: deliveries[0], handlerTimeoutMs: 60_000 })
  })

  it.each([['hook that does nothing', () => undefined]])('runs the handler once with a %s', async (_, process) => {
    const { mq, deliveries, consumer } = await world({ process })
    await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    expect([deliveries.length, consumer.stats()]).toMatchObject([1, { handled: 1 }])
  })

  it('receives the error of the handler, also a synchronous one, and the message is dead', async () => {
    const thrown = new Error('no')
    const heard: unknown[] = []
    const { mq, log, consumer } = await world(
      { process: (_, run) => run().catch((error: unknown) => heard.push(error)) },
      () => {
        throw thrown
      },
    )
    await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    expect([heard, consumer.stats().dead]).toEqual([[thrown], 1])
    expect(log.error).not.toHaveBeenCalled()
  })

  it('is not called for a message that reaches no handler', async () => {
    const process = vi.fn()
    const { mq, consumer } = await world({ process })
    await mq.schedule(defineMessage('other', z.number()), 1, { to, in: 0 })
    await settled()
    expect(consumer.stats().dead).toBe(1)
    expect(process).not.toHaveBeenCalled()
  })
})

it('reports each consumer before its first message, and events', async () => {
  const order: string[] = []
  let told: Consumer | undefined
  const { mq, consumer } = await world(
    {
      consuming: (started) => {
        told = started
        order.push(`consuming ${started.queue}`)
        throw new Error('harmless')
      },
      events: { handled: ({ queue }) => order.push(`handled ${queue}`) },
    },
    () => order.push('handler'),
  )
  await mq.schedule(defineMessage('order', z.number()), 1, { to, in: 0 })
  await settled()
  expect(order).toEqual(['consuming orders', 'handler', 'handled orders'])
  expect(told).toBe(consumer)
  expect(told?.stats().handled).toBe(1)
})

it('a consumer hook that rejects is logged', async () => {
  const consuming = (() => Promise.reject(new Error('hook'))) as unknown as NonNullable<Telemetry['consuming']>
  const { log } = await world({ consuming })
  await settled()
  expect(log.error.mock.calls).toEqual([['a telemetry hook threw', { error: 'hook' }]])
})

it('a consumer that a hook closes at once takes no message', async () => {
  const strategy = memory()
  strategy.broker.declareQueue('orders')
  let closed: Promise<void> | undefined
  const { mq, deliveries } = await world({ consuming: (started) => void (closed = started.close()) }, undefined, {
    strategy,
  })
  await closed
  await mq.schedule(order, 1, { to, in: 0 })
  await settled()
  expect(deliveries).toEqual([])
  expect(strategy.broker.messages('orders')).toHaveLength(1)
})

it.each<[string, unknown]>([
  ['telemetry', 5],
  ['telemetry', () => undefined],
  ['telemetry.schedule', 'x'],
  ['telemetry.process', {}],
  ['telemetry.consuming', true],
  ['telemetry.events', []],
  ['telemetry.events.handled', 1],
])('%s may not be %o', async (option, value) => {
  const [, member, event] = option.split('.')
  const given = event ? { events: { [event]: value } } : member ? { [member]: value } : value
  const error = await rejection(connect({ strategy: memory(), telemetry: given as Telemetry }))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
})

it.each([{ shedule: () => undefined }, { events: { canceled: () => undefined } }])(
  'a misspelt member is refused: %o',
  async (telemetry) => {
    const error = await rejection(connect({ strategy: memory(), telemetry: telemetry as Telemetry }))
    expect(error.code).toBe('INVALID_OPTION')
  },
)
