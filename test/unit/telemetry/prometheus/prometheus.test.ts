import { Registry, register, type OpenMetricsContentType } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { connect, defineMessage, memory, on, onAny, type Dueque } from '../../../../src/index.js'
import {
  prometheus,
  type PrometheusOptions,
  type PrometheusTelemetry,
} from '../../../../src/telemetry/prometheus/index.js'
import { PROCESS_METRICS } from '../../../../src/telemetry/prometheus/metric-table.js'
import { parseExposition, valueIn } from '../../../support/prometheus-text.js'
import { thrown } from '../../thrown.js'
import { order, settled, to, world } from '../world.js'

async function scrape(telemetry: PrometheusTelemetry) {
  const metrics = parseExposition(await telemetry.metrics())
  return (name: string, labels?: Record<string, string>) => valueIn(metrics, `dueque_${name}`, labels)
}

it('shows every metric of the table, with its type and labels, and no other', async () => {
  const telemetry = prometheus()
  const { mq } = await world(telemetry)
  await mq.schedule(order, 1, { to, in: 0 })
  await settled()
  const metrics = parseExposition(await telemetry.metrics())
  const table = Object.entries(PROCESS_METRICS).map(([name, { type }]) => [`dueque_${name}`, type])
  expect([...metrics].map(([name, { type }]) => [name, type]).sort()).toEqual(table.sort())
  for (const [name, { labels }] of Object.entries(PROCESS_METRICS))
    for (const series of metrics.get(`dueque_${name}`)!.series)
      expect(Object.keys(series.labels).filter((label) => label !== 'le')).toEqual(labels)
  expect(telemetry.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await register.metrics()).not.toContain('dueque')
})

it('keeps its hooks in a copy by spread', async () => {
  const telemetry = prometheus()
  const { mq } = await world({ ...telemetry })
  await mq.schedule(order, 1, { to, in: 0 })
  await settled()
  const value = await scrape(telemetry)
  expect(value('messages_scheduled_total', { name: 'order', outcome: 'confirmed' })).toBe(1)
  expect(value('messages_processed_total', { queue: 'orders', name: 'order', outcome: 'handled' })).toBe(1)
})

describe('a message', () => {
  it('is counted as scheduled and as handled, with lateness and durations', async () => {
    const telemetry = prometheus()
    const { mq } = await world(telemetry, () => settled())
    await mq.schedule(order, 1, { to, at: new Date(Date.now() - 90_000) })
    await mq.scheduleAll([{ message: order, payload: 2, options: { to, in: 0 } }])
    await settled()
    await settled()
    const value = await scrape(telemetry)
    expect(value('messages_scheduled_total', { name: 'order', outcome: 'confirmed' })).toBe(2)
    expect(value('schedule_duration_seconds_count')).toBe(2)
    const processed = { queue: 'orders', name: 'order' }
    expect(value('messages_processed_total', { ...processed, outcome: 'handled' })).toBe(2)
    expect(value('messages_processed_total', { ...processed, outcome: 'dead' })).toBe(0)
    expect(value('message_lateness_seconds_count', { queue: 'orders' })).toBe(2)
    expect(value('message_lateness_seconds_bucket', { queue: 'orders', le: '60' })).toBe(1)
    expect(value('message_lateness_seconds_sum', { queue: 'orders' })).toBeGreaterThanOrEqual(90)
    expect(value('handler_duration_seconds_sum', processed)).toBeGreaterThan(0.008)
  })

  it('whose metric fails is sent and handled all the same, and the failure is reported once', async () => {
    const telemetry = prometheus()
    const { mq, consumer } = await world(telemetry)
    const errors: unknown[] = []
    mq.on('error', (error) => errors.push(error))
    const full = () => {
      throw new Error('full')
    }
    Object.assign(telemetry.registry.getSingleMetric('dueque_schedule_duration_seconds')!, { observe: full })
    for (const payload of [1, 2]) await mq.schedule(order, payload, { to, in: 0 })
    await settled()
    expect(consumer.stats().handled).toBe(2)
    expect(errors).toMatchObject([{ code: 'TELEMETRY_FAILED', data: { hook: 'schedule' }, cause: { message: 'full' } }])
  })

  it('that is retried, dead or cancelled is counted as that, and its lateness once', async () => {
    const telemetry = prometheus()
    const { mq } = await world(telemetry, ({ payload, attempt, retry }) => {
      if (payload === 1 && attempt === 1) retry({ in: 0 })
      if (payload === 2) throw new Error('no')
    })
    await mq.schedule(order, 1, { to, in: 0 })
    await mq.schedule(order, 2, { to, in: 0 })
    await settled()
    const value = await scrape(telemetry)
    const processed = (outcome: string) =>
      value('messages_processed_total', { queue: 'orders', name: 'order', outcome })
    expect(['handled', 'retried', 'dead', 'cancelled'].map(processed)).toEqual([1, 1, 1, 0])
    expect(value('message_lateness_seconds_count', { queue: 'orders' })).toBe(2)
    expect(value('handler_duration_seconds_count', { queue: 'orders', name: 'order' })).toBe(3)
  })

  it('that is cancelled or rescheduled is counted by the answer, also a failure', async () => {
    const telemetry = prometheus()
    const { mq } = await world(telemetry)
    const cancellable = mq as Dueque & {
      cancel(id: string): Promise<unknown>
      reschedule(id: string, due: object): Promise<unknown>
    }
    const receipt = await mq.schedule(order, 1, { to, in: '1h' })
    await cancellable.cancel(receipt.id)
    await cancellable.cancel(receipt.id)
    await cancellable.reschedule(receipt.id, { in: '2h' })
    await expect(cancellable.reschedule(receipt.id, { in: 'never' })).rejects.toThrow()
    const value = await scrape(telemetry)
    const outcomes = ['cancelled', 'too-late', 'unknown', 'not-waiting', 'failed']
    expect(outcomes.map((outcome) => value('cancellations_total', { outcome }))).toEqual([1, 0, 0, 2, 1])
  })

  it('with a payload that cannot be sent is counted as refused', async () => {
    const telemetry = prometheus()
    const { mq } = await world(telemetry)
    await expect(mq.schedule(order, 'x' as never, { to, in: 0 })).rejects.toThrow()
    const value = await scrape(telemetry)
    expect(value('messages_scheduled_total', { name: 'order', outcome: 'refused' })).toBe(1)
    expect(value('schedule_duration_seconds_count')).toBe(0)
  })
})

describe('the label name', () => {
  it('has no foreign names, and a number of scheduled ones', async () => {
    const telemetry = prometheus({ maxNames: 2 })
    const strategy = memory()
    const mq = await connect({ strategy, telemetry, logger: false })
    await mq.consume('orders', [on(order, () => undefined), onAny(() => undefined)])
    const others = ['a', 'b', 'c', 'd'].map((name) => defineMessage(name, z.number()))
    for (const message of [...others, order, others[0]!]) await mq.schedule(message, 1, { to, in: 0 })
    await settled()
    const value = await scrape(telemetry)
    const scheduled = (name: string) => value('messages_scheduled_total', { name, outcome: 'confirmed' })
    expect(['a', 'b', 'c', 'd', 'order', 'other'].map(scheduled)).toEqual([2, 1, undefined, undefined, 1, 2])
    const handled = (name: string) => value('messages_processed_total', { queue: 'orders', name, outcome: 'handled' })
    expect(['c', 'order', 'other'].map(handled)).toEqual([undefined, 1, 2])
    await mq.close()
  })

  it('may hold any character', async () => {
    const telemetry = prometheus()
    const mq = await connect({ strategy: memory(), telemetry, logger: false })
    const name = 'a "quoted" \\ name\nof two lines'
    await mq.schedule(defineMessage(name, z.number()), 1, { to, in: '1h', declare: true })
    expect((await scrape(telemetry))('messages_scheduled_total', { name, outcome: 'confirmed' })).toBe(1)
    await mq.close()
  })
})

describe('the state', () => {
  it('is summed over connections, and ends with them; counters stay', async () => {
    const telemetry = prometheus()
    let release!: () => void
    const running = new Promise<void>((resolve) => (release = resolve))
    const worlds = await Promise.all([0, 1].map(() => world(telemetry, () => running)))
    for (const { mq } of worlds) await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    const value = await scrape(telemetry)
    expect(value('handlers_running', { queue: 'orders' })).toBe(2)
    expect(value('messages_held', { queue: 'orders' })).toBe(0)
    expect(value('connection_up', { role: 'producer' })).toBe(1)
    expect(value('connection_up', { role: 'consumer' })).toBe(1)
    expect(value('broker_blocked')).toBe(0)
    release()
    await worlds[0]!.mq.close()
    expect((await scrape(telemetry))('connection_up', { role: 'producer' })).toBe(1)
    await worlds[1]!.mq.close()
    const after = await scrape(telemetry)
    for (const [name, labels] of [
      ['handlers_running', { queue: 'orders' }],
      ['connection_up', { role: 'producer' }],
      ['broker_blocked', {}],
      ['messages_unconfirmed', {}],
    ] as const)
      expect([name, after(name, labels)]).toEqual([name, undefined])
    expect(after('messages_suppressed_total', { queue: 'orders' })).toBe(0)
    expect(after('messages_processed_total', { queue: 'orders', name: 'order', outcome: 'handled' })).toBe(2)
  })

  it('counts suppressed duplicates on after their consumer has closed', async () => {
    const telemetry = prometheus()
    const { mq, consumer } = await world(telemetry)
    for (let n = 0; n < 3; n++) await mq.schedule(order, 1, { to, in: 0, dedupeKey: 'same' })
    await settled()
    await consumer.close()
    await mq.consume('orders', [on(order, () => undefined)])
    await mq.schedule(order, 1, { to, in: 0, dedupeKey: 'same' })
    await settled()
    expect(Number((await scrape(telemetry))('messages_suppressed_total', { queue: 'orders' }))).toBeGreaterThanOrEqual(
      2,
    )
  })
})

it.each<[string, PrometheusOptions]>([
  ['registry', { registry: {} as never }],
  ['prefix', { prefix: 'my-app' }],
  ['maxNames', { maxNames: -1 }],
  ['buckets.lateness', { buckets: { lateness: [1, 1] } }],
  ['buckets.handler', { buckets: { handler: [] } }],
  ['bucket', { bucket: {} } as PrometheusOptions],
])('%s may not be %o', (option, options) => {
  expect(thrown(() => prometheus(options))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
})

it('shares a registry under another prefix, and is refused under the same', async () => {
  const registry = new Registry()
  prometheus({ registry })
  const clinic = prometheus({ registry, prefix: 'clinic_' })
  expect(clinic.registry).toBe(registry)
  expect(parseExposition(await clinic.metrics()).get('clinic_messages_held')?.type).toBe('gauge')
  const error = thrown(() => prometheus({ registry }))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'registry' } })
  expect((error as Error).message).toContain('share one prometheus()')
})

it('speaks OpenMetrics in a registry of it', async () => {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const telemetry = prometheus({ registry })
  const { mq } = await world(telemetry)
  await mq.schedule(order, 1, { to, in: '1h' })
  expect(telemetry.contentType).toContain('application/openmetrics-text')
  const lines = (await telemetry.metrics()).split('\n')
  expect(lines).toContain('# TYPE dueque_messages_scheduled counter')
  expect(lines).toContain('dueque_messages_scheduled_total{name="order",outcome="confirmed"} 1')
  expect(lines).toContain('dueque_messages_held{queue="orders"} 0')
  expect(lines).toContain('# EOF')
})
