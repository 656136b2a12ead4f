import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { connect, defineMessage, memory, type Consumer, type Telemetry } from '../../../src/index.js'
import { rejection } from '../thrown.js'
import { order, settled, to, world } from './world.js'

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

it('tells when the connection and a consumer have closed, each once', async () => {
  const order: string[] = []
  const { mq, consumer } = await world([
    { consuming: () => () => order.push('consumer closed') },
    {
      connected: (connection) => {
        order.push(`connected, producer ${connection.health().producer}`)
        return () => order.push('connection closed')
      },
    },
  ])
  await consumer.close()
  await mq.close()
  expect(order).toEqual(['connected, producer up', 'consumer closed', 'connection closed'])
})

it('a listener of events that throws is reported once', async () => {
  const { mq, log } = await world({
    events: {
      handled: () => {
        throw new Error('listener')
      },
    },
  })
  const errors: unknown[] = []
  mq.on('error', (error) => errors.push(error))
  for (let n = 0; n < 3; n++) await mq.schedule(order, n, { to, in: 0 })
  await settled()
  expect(errors).toMatchObject([{ code: 'TELEMETRY_FAILED', data: { hook: 'events.handled' } }])
  expect(log.error).toHaveBeenCalledOnce()
})

it('a hook that fails while it connects is reported to a listener that is there right after', async () => {
  const { mq } = await world({
    connected: () => {
      throw new Error('hook')
    },
  })
  const errors: unknown[] = []
  mq.on('error', (error) => errors.push(error))
  await settled()
  expect(errors).toMatchObject([{ code: 'TELEMETRY_FAILED', data: { hook: 'connected' } }])
})

it.each(['schedule', 'process', 'bulk'] as const)(
  'a hook %s that closes the connection lets its own work end',
  async (hook) => {
    let closed: Promise<void> | undefined
    const close = () => void (closed ??= mq.close())
    const strategy = memory()
    strategy.broker.declareQueue('orders')
    const { mq, consumer, log } = await world({ [hook]: close }, undefined, { strategy })
    const items = [1, 2, 3].map((payload) => ({ message: order, payload, options: { to, in: 0 } }))
    const outcomes: unknown[] = []
    for await (const { error } of mq.scheduleAll(items)) outcomes.push(error?.code ?? 'scheduled')
    await settled()
    await closed
    const { handled } = consumer.stats()
    // Nothing is lost: what was scheduled is handled, or still in the queue.
    expect(handled + strategy.broker.messages('orders').length).toBe(
      outcomes.filter((one) => one === 'scheduled').length,
    )
    expect(outcomes).toHaveLength(3)
    expect(outcomes.filter((one) => one !== 'scheduled' && one !== 'CLOSED')).toEqual([])
    if (hook !== 'bulk') expect(outcomes).toContain('scheduled')
    if (hook === 'process') expect(handled).toBeGreaterThan(0)
    expect(log.error).not.toHaveBeenCalled()
  },
)

it('a consumer hook that rejects is reported', async () => {
  const consuming = (() => Promise.reject(new Error('hook'))) as unknown as NonNullable<Telemetry['consuming']>
  const { log } = await world({ consuming })
  await settled()
  expect(log.error.mock.calls).toEqual([['a telemetry hook failed', { hook: 'consuming', error: 'hook' }]])
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
  ['telemetry.bulk', 5],
  ['telemetry.connected', true],
  ['telemetry.consuming', true],
  ['telemetry.tracesMessages', 'yes'],
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
