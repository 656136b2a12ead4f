import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import { checkOptions, oneOf, type Rule, type Rules } from '../../base/checks.js'
import type { Telemetry } from '../../telemetry.js'
import { observed } from './failure.js'
import { metricsOf, type MessageMetrics } from './message-metrics.js'
import { end, MessageSpans, within } from './message-spans.js'
import { SCHEMA_URL } from './names.js'
import { PROCESS } from './operation.js'
import { producerHooks } from './producer-hooks.js'

export interface OpenTelemetryOptions {
  /**
   * How the span of a handler is related to the span in which its message was scheduled. `link`: it is the root of a trace of
   * its own, with a link to that span, since next week's message is no part of today's request. `parent`: it is a child, and one
   * trace lasts until the message is handled. `none`: no spans and no headers, only metrics.
   * @default 'link'
   */
  trace?: 'link' | 'parent' | 'none' | undefined
  /** @default the global one */
  tracerProvider?: TracerProvider | undefined
  /** @default the global one, as it is when `connect` resolves */
  meterProvider?: MeterProvider | undefined
}

const having =
  (method: string, what: string): Rule =>
  (value) =>
    typeof (Object(value) as Record<string, unknown>)[method] === 'function' ? undefined : what

const RULES: Rules<OpenTelemetryOptions> = {
  trace: oneOf('link', 'parent', 'none'),
  tracerProvider: having('getTracer', 'a TracerProvider of OpenTelemetry'),
  meterProvider: having('getMeter', 'a MeterProvider of OpenTelemetry'),
}

/**
 * Spans and metrics of messages by OpenTelemetry: docs/reference/telemetry.md has their names. The context of a schedule travels with its
 * message, by the global propagator. Without a registered SDK it does nothing.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * const mq = await connect({ url: 'amqp://localhost', telemetry: openTelemetry() })
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  checkOptions(options, RULES)
  const { trace: mode = 'link', tracerProvider = trace, meterProvider } = options
  const tracer = tracerProvider.getTracer('dueque', undefined, { schemaUrl: SCHEMA_URL })
  const spans = mode === 'none' ? undefined : new MessageSpans(tracer, mode === 'parent')
  // The API has no stand-in for meters that are registered later, as it has for tracers.
  let known: MessageMetrics | undefined
  const measured = () =>
    (known ??= metricsOf((meterProvider ?? metrics).getMeter('dueque', undefined, { schemaUrl: SCHEMA_URL })))
  return {
    tracesMessages: spans !== undefined,
    ...producerHooks(spans, measured),
    process(info, run) {
      const target = PROCESS.on(info.queue)
      const started = spans?.process(target, info)
      const startedAt = performance.now()
      measured().consumed(target.attributes, info.delivery)
      return observed(within(started, run), (failure) => {
        const durationMs = performance.now() - startedAt
        if (started) end(started.span, failure)
        measured().processed(target.attributes, durationMs, failure)
      })
    },
    connected: (connection) => measured().live.connected(connection),
    consuming: (consumer) => measured().live.consuming(consumer),
    events: {
      dead: (event) => measured().events.dead?.(event),
      parked: (event) => measured().events.parked?.(event),
      cancelled: (event) => measured().events.cancelled?.(event),
    },
  }
}
