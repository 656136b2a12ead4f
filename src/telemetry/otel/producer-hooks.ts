import type { Destination } from '../../message/destination.js'
import type { CancelInfo, Telemetry } from '../../telemetry.js'
import { observed, type Failure } from './failure.js'
import type { MessageMetrics } from './message-metrics.js'
import { end, within, type MessageSpans, type Started } from './message-spans.js'
import { ATTRIBUTE } from './names.js'
import { CANCEL, RESCHEDULE, SCHEDULE, type Operation, type Target } from './operation.js'

type ProducerHooks = Required<Pick<Telemetry, 'schedule' | 'cancel' | 'reschedule' | 'bulk'>>

/** Called when there is something to measure. */
type Metrics = () => MessageMetrics

/** @param spans undefined: none */
export function producerHooks(spans: MessageSpans | undefined, metrics: Metrics): ProducerHooks {
  const change = changing(spans, metrics)
  return {
    schedule(info, headers, run) {
      const { to, bulk } = info
      const target = SCHEDULE.on(nameOf(to))
      const sent = (failure: Failure | undefined) => metrics().sent(target.attributes, failure)
      if (!bulk) return call(metrics, { target, started: spans?.schedule(target, info, headers) }, run, sent)
      spans?.join(bulk, headers)
      return observed(run(), (failure) => {
        if (failure) spans?.itemFailed(bulk, failure)
        sent(failure)
      })
    },
    cancel: (info, run) => change(CANCEL, info, run, (outcome) => outcome),
    reschedule: (info, run) => change(RESCHEDULE, info, run, (changed) => changed?.replaced ?? 'not-waiting'),
    bulk(info, run) {
      const operation = info.operation === 'schedule' ? SCHEDULE : CANCEL
      const target = operation.on(undefined)
      const started = spans?.bulk(operation, target, info)
      return call(metrics, { target, started }, run, (_, outcome) => {
        if (started && outcome) spans?.endBulk(started.span, info, outcome)
      })
    },
  }
}

/** Cancels or reschedules. An item of a run of many has no span of its own. */
function changing(spans: MessageSpans | undefined, metrics: Metrics) {
  return <T>(
    operation: Operation,
    info: CancelInfo,
    run: () => Promise<T>,
    outcomeOf: (value: T) => string,
  ): Promise<T> => {
    if (info.bulk) return run()
    const target = operation.on(nameOf(info.to))
    const started = spans?.change(operation, target, info)
    return call(metrics, { target, started }, run, (failure, value) => {
      if (!failure) started?.span.setAttribute(ATTRIBUTE.outcome, outcomeOf(value as T))
    })
  }
}

/** Runs one call in its span, if it has one, and measures it. */
function call<T>(
  metrics: Metrics,
  { target, started }: { target: Target; started: Started | undefined },
  run: () => Promise<T>,
  done: (failure: Failure | undefined, value: T | undefined) => void,
): Promise<T> {
  const startedAt = performance.now()
  return observed(within(started, run), (failure, value) => {
    const durationMs = performance.now() - startedAt
    try {
      done(failure, value)
    } finally {
      if (started) end(started.span, failure)
    }
    metrics().operation(target.attributes, durationMs, failure)
  })
}

/** Of a queue or an exchange. */
function nameOf({ queue, exchange }: Partial<Destination> = {}): string | undefined {
  return queue ?? exchange
}
