import { describe, expect, it } from 'vitest'
import { connect, memory } from '../../../../src/index.js'
import { openTelemetry } from '../../../../src/telemetry/otel/index.js'
import { logger, order, settled, to } from '../world.js'
import { sdk, tracedWorld, useContexts } from './world.js'

useContexts()

const SCHEDULE = {
  'messaging.system': 'rabbitmq',
  'messaging.operation.name': 'schedule',
  'messaging.operation.type': 'send',
}
const ORDERS = { 'messaging.destination.name': 'orders' }
const PROCESS = {
  'messaging.system': 'rabbitmq',
  'messaging.operation.name': 'process',
  'messaging.operation.type': 'process',
  ...ORDERS,
}

it.each(['link', 'none'] as const)('counts and times schedules and handlers, with trace %s', async (trace) => {
  const { mq, points } = await tracedWorld({ trace }, ({ payload }) => {
    if (payload === 3) throw new RangeError('no')
  })
  await mq.schedule(order, 1, { to, in: 0 })
  await mq.scheduleAll([2, 3].map((payload) => ({ message: order, payload, options: { to, in: 0 } })))
  await expect(mq.schedule(order, 'x' as never, { to, in: 0 })).rejects.toThrow()
  await settled()
  expect(await points('messaging.client.sent.messages')).toEqual([
    { attributes: { ...SCHEDULE, ...ORDERS }, value: 3 },
    { attributes: { ...SCHEDULE, ...ORDERS, 'error.type': 'INVALID_PAYLOAD' }, value: 1 },
  ])
  expect(await points('messaging.client.operation.duration')).toMatchObject([
    { attributes: SCHEDULE, value: { count: 1 } },
    { attributes: { ...SCHEDULE, ...ORDERS }, value: { count: 1 } },
    { attributes: { ...SCHEDULE, ...ORDERS, 'error.type': 'INVALID_PAYLOAD' }, value: { count: 1 } },
  ])
  expect(await points('messaging.client.consumed.messages')).toEqual([{ attributes: PROCESS, value: 3 }])
  expect(await points('messaging.process.duration')).toMatchObject([
    { attributes: PROCESS, value: { count: 2 } },
    { attributes: { ...PROCESS, 'error.type': 'RangeError' }, value: { count: 1 } },
  ])
  expect(await points('dueque.dead_letters')).toEqual([
    { attributes: { ...ORDERS, 'dueque.reason': 'handler-error' }, value: 1 },
  ])
})

it('measures the lateness of first attempts alone', async () => {
  const { mq, points, deliveries } = await tracedWorld({}, ({ attempt, retry }) => {
    if (attempt === 1) retry({ in: 0 })
  })
  await mq.schedule(order, 1, { to, in: 0 })
  await settled()
  expect(deliveries).toHaveLength(2)
  expect(await points('dueque.message.lateness')).toEqual([
    { attributes: PROCESS, value: { count: 1, sum: deliveries[0]!.latenessMs / 1000 } },
  ])
})

it('counts cancellations by their outcome', async () => {
  const { mq, points } = await tracedWorld()
  const { id } = await mq.schedule(order, 1, { to, in: '1h' })
  await mq.cancelAll([id, 'none'])
  await settled()
  const counted = await points('dueque.cancellations')
  expect(counted).toHaveLength(2)
  expect(counted).toContainEqual({ attributes: { 'dueque.outcome': 'cancelled' }, value: 1 })
  expect(counted).toContainEqual({ attributes: { 'dueque.outcome': 'not-waiting' }, value: 1 })
})

it('has buckets for durations and lateness', async () => {
  const { mq, metrics } = await tracedWorld()
  await mq.schedule(order, 1, { to, in: 0 })
  await settled()
  const boundaries = (await metrics()).flatMap(({ descriptor, dataPoints }) => {
    const buckets = (dataPoints[0]?.value as { buckets?: { boundaries: number[] } }).buckets
    return buckets ? [[descriptor.name, descriptor.unit, buckets.boundaries[0], buckets.boundaries.at(-1)]] : []
  })
  expect(boundaries).toEqual([
    ['messaging.client.operation.duration', 's', 0.005, 10],
    ['messaging.process.duration', 's', 0.005, 10],
    ['dueque.message.lateness', 's', 0.001, 3600],
  ])
})

describe('what is asked of connections and consumers', () => {
  const state = (value: string) => ({ ...ORDERS, 'dueque.state': value })
  const outcome = (value: string) => ({ ...ORDERS, 'dueque.outcome': value })

  it('sums the consumers of a queue, and keeps the counts of closed ones', async () => {
    let end!: () => void
    const held = new Promise<void>((resolve) => (end = resolve))
    const { mq, points, consumer } = await tracedWorld({}, ({ payload }) => (payload === 1 ? undefined : held))
    await mq.schedule(order, 1, { to, in: 0 })
    await mq.schedule(order, 2, { to, in: 0 })
    await settled()
    expect(await points('dueque.messages')).toContainEqual({ attributes: state('running'), value: 1 })
    expect(await points('dueque.message.outcomes')).toContainEqual({ attributes: outcome('handled'), value: 1 })
    end()
    await consumer.close()
    expect(await points('dueque.messages')).toEqual([
      { attributes: { 'dueque.state': 'unconfirmed' }, value: 0 },
      { attributes: state('held'), value: 0 },
      { attributes: state('running'), value: 0 },
      { attributes: state('following'), value: 0 },
    ])
    expect(await points('dueque.message.outcomes')).toContainEqual({ attributes: outcome('handled'), value: 2 })
  })

  it('counts the connections of all telemetries of a provider, until they close', async () => {
    const { meterProvider, points } = sdk()
    const open = () =>
      connect({ strategy: memory(), logger: logger(), telemetry: openTelemetry({ meterProvider, trace: 'none' }) })
    const [one, other] = [await open(), await open()]
    const up = { 'dueque.connection.role': 'producer', 'dueque.state': 'up' }
    expect(await points('dueque.connections')).toContainEqual({ attributes: up, value: 2 })
    await one.close()
    expect(await points('dueque.connections')).toContainEqual({ attributes: up, value: 1 })
    await other.close()
    expect((await points('dueque.connections')).filter(({ value }) => value !== 0)).toEqual([])
  })
})
