import './traced.js'
import { poll } from '../../../scripts/broker/poll.js'
import { on } from '../../../src/index.js'
import { openTelemetry } from '../../../src/telemetry/otel/index.js'
import { unique } from '../../strategies/recorder.js'
import { job, scheduleTraced, withConnection } from './publish-scenes.js'
import { cut, exporter, spansOf } from './traced.js'

/** Spans of dueque for a message: of an operation, in the order in which they ended. */
const ownSpans = (id: string, operation: string) =>
  exporter
    .getFinishedSpans()
    .filter(({ attributes }) => attributes['messaging.message.id'] === id)
    .filter(({ attributes }) => attributes['messaging.operation.name'] === operation)

/** Declarations, schedules one after the other, a lost connection, retries. */
const owned = (trace: 'link' | 'parent') => (url: string) =>
  withConnection({ url, telemetry: openTelemetry({ trace }), maxInFlight: 3 }, async (mq) => {
    const queue = unique('owned')
    const consumer = await mq.consume(queue, [
      on(job, ({ payload, attempt, retry }) => {
        if (payload % 2 === 0 && attempt === 1) retry({ in: 0 })
      }),
    ])
    const schedule = () => scheduleTraced(mq, 6, (n) => ({ to: { queue }, in: n % 2 && 100, declare: true }))
    const first = schedule()
    await first.done
    const isHandled = (count: number) => () => Promise.resolve(consumer.stats().handled >= count)
    await poll(isHandled(6), { what: 'the first messages', timeoutMs: 30_000 })
    cut()
    const second = schedule()
    await second.done
    const callers = new Map([...first.callers, ...second.callers])
    await poll(isHandled(12), { what: 'the second messages', timeoutMs: 30_000 })
    const strange = [...callers].filter(([id, caller]) => {
      const [scheduled] = ownSpans(id, 'schedule').map((span) => span.spanContext())
      const handlers = ownSpans(id, 'process')
      const isLinked = handlers.every(({ links }) => links[0]?.context.spanId === scheduled?.spanId)
      const isRelated = handlers.every(({ parentSpanContext: parent }) =>
        trace === 'parent' ? parent?.spanId === scheduled?.spanId : parent === undefined,
      )
      return scheduled?.traceId !== caller || !isLinked || !isRelated
    })
    const ids = [...callers.keys()]
    const others = ids.flatMap((id) => spansOf(id)).map(({ name }) => name)
    const ofQueue = exporter.getFinishedSpans().filter(({ name }) => name.startsWith(queue))
    return {
      others: [...others, ...ofQueue.map(({ name }) => name)],
      schedules: ids.flatMap((id) => ownSpans(id, 'schedule')).length,
      handlers: ids.flatMap((id) => ownSpans(id, 'process')).length,
      strange: strange.map(([id]) => id),
    }
  })

export const linked = owned('link')
export const parented = owned('parent')
