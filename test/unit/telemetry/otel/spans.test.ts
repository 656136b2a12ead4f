import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { NodeTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'
import { order, settled, to } from '../world.js'
import { idsOf, named, tracedWorld, useContexts } from './world.js'

useContexts()

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const OWN = { traceId: TRACEPARENT.slice(3, 35), spanId: TRACEPARENT.slice(36, 52) }

/** The first of a schedule, and the first of a handler. */
function pair(spans: readonly ReadableSpan[]): (ReadableSpan | undefined)[] {
  return [named(spans, 'schedule orders')[0], named(spans, 'process orders')[0]]
}

describe('a schedule and its handler', () => {
  it('have one span each, with ids, times and the destination', async () => {
    const { mq, spans, deliveries } = await tracedWorld()
    const receipt = await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    expect(spans()).toHaveLength(2)
    const [schedule, process] = pair(spans())
    expect(schedule).toMatchObject({ kind: SpanKind.PRODUCER, status: { code: SpanStatusCode.UNSET } })
    expect(schedule!.attributes).toEqual({
      'messaging.system': 'rabbitmq',
      'messaging.operation.name': 'schedule',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders',
      'messaging.message.id': receipt.id,
      'dueque.message.name': 'order',
      'dueque.message.due_at': receipt.dueAt,
    })
    expect(process).toMatchObject({ kind: SpanKind.CONSUMER, status: { code: SpanStatusCode.UNSET } })
    expect(process!.attributes).toEqual({
      'messaging.system': 'rabbitmq',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'orders',
      'messaging.rabbitmq.destination.routing_key': deliveries[0]!.routingKey,
      'messaging.message.id': receipt.id,
      'dueque.message.name': 'order',
      'dueque.message.due_at': receipt.dueAt,
      'dueque.message.attempt': 1,
      'dueque.message.lateness_ms': deliveries[0]!.latenessMs,
    })
    expect(schedule!.instrumentationScope).toMatchObject({ name: 'dueque' })
  })

  it('name the recurring message that an occurrence belongs to, and its time', async () => {
    const { mq, spans } = await tracedWorld()
    await mq.recurring.set('re@port', { message: order, payload: 1, to, every: '1h', paused: true })
    const { dueAt } = await mq.recurring.trigger('re@port')
    await settled()
    const named = { 'dueque.recurring.id': 're@port', 'dueque.recurring.scheduled_for': dueAt }
    expect(pair(spans()).map((span) => span!.attributes)).toMatchObject([named, named])
  })

  it('are two traces with a link by default', async () => {
    const { mq, spans } = await tracedWorld()
    await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    const [schedule, process] = pair(spans())
    expect(process!.parentSpanContext).toBeUndefined()
    expect(process!.spanContext().traceId).not.toBe(schedule!.spanContext().traceId)
    expect(process!.links.map((link) => idsOf(link.context))).toEqual([idsOf(schedule!.spanContext())])
  })

  it("are parent and child with 'parent'", async () => {
    const { mq, spans } = await tracedWorld({ trace: 'parent' })
    await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    const [schedule, process] = pair(spans())
    expect(idsOf(process!.parentSpanContext!)).toEqual(idsOf(schedule!.spanContext()))
    expect(process!.links.map((link) => idsOf(link.context))).toEqual([idsOf(schedule!.spanContext())])
  })

  it("have neither spans nor headers with 'none'", async () => {
    const { mq, spans, deliveries } = await tracedWorld({ trace: 'none' })
    await mq.schedule(order, 1, { to, in: 0 })
    await mq.scheduleAll([{ message: order, payload: 2, options: { to, in: 0 } }])
    await settled()
    expect(spans()).toEqual([])
    expect(deliveries.map(({ headers }) => headers)).toEqual([{}, {}])
  })

  it('belong to the spans around them, and baggage travels to the handler', async () => {
    const inside: unknown[] = []
    const { mq, spans, tracer } = await tracedWorld({}, () => {
      inside.push(trace.getActiveSpan()?.spanContext(), propagation.getActiveBaggage()?.getEntry('tenant')?.value)
    })
    const request = tracer.startSpan('request')
    const baggage = propagation.createBaggage({ tenant: { value: 'a' } })
    const active = propagation.setBaggage(trace.setSpan(context.active(), request), baggage)
    await context.with(active, () => mq.schedule(order, 1, { to, in: 0 }))
    await settled()
    const [schedule, process] = pair(spans())
    expect(schedule!.parentSpanContext).toEqual(request.spanContext())
    expect(inside).toEqual([process!.spanContext(), 'a'])
  })

  it('of an exchange are named by it alone, since routing keys may be many', async () => {
    const { mq, spans } = await tracedWorld()
    const failed = mq.schedule(order, 1, { to: { exchange: 'clinic', routingKey: 'a.b' }, in: '1h' })
    await failed.catch(() => undefined)
    expect(spans()).toMatchObject([
      {
        name: 'schedule clinic',
        attributes: {
          'messaging.destination.name': 'clinic:a.b',
          'messaging.rabbitmq.destination.routing_key': 'a.b',
        },
      },
    ])
  })
})

/** Runs something with this baggage, which would travel. */
function withBaggage<T>(value: string, run: () => T): T {
  const baggage = propagation.createBaggage({ tenant: { value } })
  return context.with(propagation.setBaggage(context.active(), baggage), run)
}

describe('a trace context of the producer', () => {
  it('is kept, and both spans link to it', async () => {
    const { mq, spans, deliveries } = await tracedWorld()
    await withBaggage('a', () => mq.schedule(order, 1, { to, in: 0, headers: { traceparent: TRACEPARENT } }))
    await mq.scheduleAll([
      { message: order, payload: 2, options: { to, in: 0, headers: { traceparent: TRACEPARENT } } },
    ])
    await settled()
    expect(deliveries.map(({ headers }) => headers)).toEqual([
      { traceparent: TRACEPARENT },
      { traceparent: TRACEPARENT },
    ])
    const linked = [...named(spans(), 'schedule orders'), ...named(spans(), 'process orders')]
    expect(linked.map(({ links }) => links.map((link) => idsOf(link.context)))).toEqual([[OWN], [OWN], [OWN]])
  })

  it.each<[string, Record<string, string | number | string[]>]>([
    ['of no use', { traceparent: 'x' }],
    ['of another type', { traceparent: 5, tracestate: ['a=b'], baggage: 7 }],
  ])('that is %s is kept, and nothing links to it', async (_, headers) => {
    const { mq, spans, deliveries, log } = await tracedWorld()
    await mq.schedule(order, 1, { to, in: 0, headers })
    await settled()
    expect(deliveries.map((delivery) => delivery.headers)).toEqual([headers])
    expect(spans().flatMap(({ links }) => links)).toEqual([])
    expect(log.error).not.toHaveBeenCalled()
  })

  it('is not made of baggage alone', async () => {
    const { mq, spans, deliveries } = await tracedWorld()
    await withBaggage('b', () => mq.schedule(order, 1, { to, in: 0, headers: { baggage: 'tenant=a' } }))
    await settled()
    expect(deliveries[0]!.headers).toMatchObject({ baggage: 'tenant=a' })
    expect(named(spans(), 'process orders')[0]!.links).toHaveLength(1)
  })
})

describe('a failure', () => {
  it('of a handler is an error with its class, and each attempt has a span that links to the schedule', async () => {
    class NoStock extends Error {
      override readonly name = 'NoStock'
    }
    const { mq, spans, consumer } = await tracedWorld({}, ({ attempt, retry }) => {
      if (attempt > 1) throw new NoStock('sold out')
      retry({ in: 0 })
    })
    await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    expect(consumer.stats()).toMatchObject({ retried: 1, dead: 1 })
    const attempts = named(spans(), 'process orders')
    const [schedule] = pair(spans())
    expect(attempts.map(({ status, attributes }) => [status.code, status.message, attributes['error.type']])).toEqual([
      [SpanStatusCode.UNSET, undefined, undefined],
      [SpanStatusCode.ERROR, 'sold out', 'NoStock'],
    ])
    expect(attempts.map(({ events }) => events.map(({ name }) => name))).toEqual([[], ['exception']])
    expect(attempts.map(({ attributes }) => attributes['dueque.message.attempt'])).toEqual([1, 2])
    const origin = idsOf(schedule!.spanContext())
    expect(attempts.map(({ links }) => links.map((link) => idsOf(link.context)))).toEqual([[origin], [origin]])
  })

  it('of a schedule is an error with its code', async () => {
    const { mq, spans } = await tracedWorld()
    await expect(mq.schedule(order, 'x' as never, { to, in: 0 })).rejects.toThrow()
    expect(spans()).toMatchObject([
      {
        status: { code: SpanStatusCode.ERROR, message: expect.stringContaining('order') as string },
        attributes: { 'error.type': 'INVALID_PAYLOAD', 'dueque.outcome': 'refused' },
      },
    ])
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a text', 'no'],
    ['an error with a text as its name', Object.assign(new Error('no'), { name: 'order 5 failed' })],
  ])('of %s ends the span', async (_, thrown) => {
    const { mq, spans } = await tracedWorld({}, () => Promise.reject(thrown))
    await mq.schedule(order, 1, { to, in: 0 })
    await settled()
    expect(pair(spans())[1]).toMatchObject({ ended: true, attributes: { 'error.type': '_OTHER' } })
  })
})

describe('cancellations and runs', () => {
  it('a cancellation and a reschedule have a client span with the outcome', async () => {
    const { mq, spans } = await tracedWorld()
    const receipt = await mq.schedule(order, 1, { to, in: '1h' })
    await mq.reschedule(receipt, { in: '2h' })
    await mq.cancel(receipt.id)
    await mq.cancel('none')
    const told = spans()
      .filter(({ kind }) => kind === SpanKind.CLIENT)
      .map(({ name, attributes }) => [name, attributes['messaging.message.id'], attributes['dueque.outcome']])
    expect(told).toEqual([
      ['reschedule orders', receipt.id, 'cancelled'],
      ['cancel', receipt.id, 'cancelled'],
      ['cancel', 'none', 'not-waiting'],
    ])
  })

  it('a run of many schedules has one span, which its messages link to', async () => {
    const { mq, spans, deliveries } = await tracedWorld()
    const items = [1, 'x' as never, 3].map((payload) => ({ message: order, payload, options: { to, in: 0 } }))
    expect(await mq.scheduleAll(items)).toMatchObject({ scheduled: 2, failed: 1 })
    await settled()
    const [run] = named(spans(), 'schedule')
    expect(run).toMatchObject({
      kind: SpanKind.PRODUCER,
      status: { code: SpanStatusCode.ERROR, message: '1 of 3 failed' },
      attributes: {
        'messaging.batch.message_count': 3,
        'dueque.batch.failed_count': 1,
        'error.type': 'INVALID_PAYLOAD',
      },
    })
    expect(named(spans(), 'schedule orders')).toEqual([])
    const links = named(spans(), 'process orders').flatMap((span) => span.links.map((link) => idsOf(link.context)))
    expect(links).toEqual([idsOf(run!.spanContext()), idsOf(run!.spanContext())])
    expect(deliveries.map(({ headers }) => Object.keys(headers))).toEqual([['traceparent'], ['traceparent']])
  })

  it('a run of many cancellations has one client span', async () => {
    const { mq, spans } = await tracedWorld()
    await mq.cancelAll(['a', 'b'])
    await settled()
    expect(spans()).toMatchObject([
      { name: 'cancel', kind: SpanKind.CLIENT, attributes: { 'messaging.batch.message_count': 2 } },
    ])
  })

  it('a run whose source throws is an error', async () => {
    const { mq, spans } = await tracedWorld()
    function* source() {
      yield { message: order, payload: 1, options: { to, in: '1h' } }
      throw new RangeError('source')
    }
    await expect(mq.scheduleAll(source())).rejects.toThrow('source')
    await settled()
    expect(spans()).toMatchObject([{ name: 'schedule', attributes: { 'error.type': 'RangeError' } }])
  })

  it('within a handler belong to its span', async () => {
    const { mq, spans } = await tracedWorld({}, async ({ payload }) => {
      if (payload === 1) await mq.schedule(order, 2, { to, in: '1h' })
    })
    await context.with(ROOT_CONTEXT, () => mq.schedule(order, 1, { to, in: 0 }))
    await settled()
    const [process] = named(spans(), 'process orders')
    const inner = named(spans(), 'schedule orders').find(({ parentSpanContext }) => parentSpanContext)
    expect(inner!.parentSpanContext).toEqual(process!.spanContext())
  })
})

it('a span processor that throws changes no outcome', async () => {
  const fail = () => {
    throw new Error('processor')
  }
  const none = () => Promise.resolve()
  for (const faults of [
    { onStart: fail, onEnd: fail },
    { onStart: () => undefined, onEnd: fail },
  ]) {
    const processor: SpanProcessor = { ...faults, forceFlush: none, shutdown: none }
    const tracerProvider = new NodeTracerProvider({ spanProcessors: [processor] })
    const { mq, consumer } = await tracedWorld({ tracerProvider })
    await mq.schedule(order, 1, { to, in: 0 })
    expect(await mq.scheduleAll([{ message: order, payload: 2, options: { to, in: 0 } }])).toMatchObject({
      scheduled: 1,
    })
    await settled()
    expect(consumer.stats().handled).toBe(2)
  }
})
