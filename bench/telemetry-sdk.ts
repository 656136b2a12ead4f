import { SpanKind, trace, type Link, type Tracer } from '@opentelemetry/api'
import type { Telemetry } from 'dueque'
import { openTelemetry } from 'dueque/otel'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, InMemorySpanExporter, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

/** Takes each batch and forgets it: what an exporter sends is its own cost. */
class Nowhere extends InMemorySpanExporter {
  override export(...batch: Parameters<InMemorySpanExporter['export']>): void {
    super.export(...batch)
    this.reset()
  }
}

/** `dueque`: that of dueque/otel. `bare`: two spans of the SDK for each message, and no metrics: the least that traces cost. */
export type TelemetryKind = 'dueque' | 'bare'

let isStarted = false

/** The telemetry of a connection, with an SDK of OpenTelemetry as services have it. */
export function startSdk(kind: TelemetryKind): Telemetry {
  if (!isStarted) new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new Nowhere())] }).register()
  isStarted = true
  if (kind === 'bare') return bareSpans(trace.getTracer('bench'))
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA)
  const readers = [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 10_000 })]
  return openTelemetry({ meterProvider: new MeterProvider({ readers }) })
}

const ATTRIBUTES = {
  'messaging.system': 'rabbitmq',
  'messaging.destination.name': 'bench',
  'messaging.operation.name': 'bench',
  'messaging.operation.type': 'bench',
}

function bareSpans(tracer: Tracer): Telemetry {
  return {
    tracesMessages: true,
    schedule(info, headers, run) {
      const span = tracer.startSpan('send', { kind: SpanKind.PRODUCER, attributes: ATTRIBUTES })
      const { traceId, spanId } = span.spanContext()
      headers['traceparent'] = `00-${traceId}-${spanId}-01`
      span.setAttribute('messaging.message.id', info.id)
      span.setAttribute('due', info.dueAt.toISOString())
      return run().finally(() => span.end())
    },
    process({ delivery }, run) {
      const { traceparent } = delivery.headers
      const [, traceId = '', spanId = ''] = typeof traceparent === 'string' ? traceparent.split('-') : []
      const links: Link[] = [{ context: { traceId, spanId, traceFlags: 1, isRemote: true } }]
      const options = { kind: SpanKind.CONSUMER, attributes: ATTRIBUTES, links, root: true }
      const span = tracer.startSpan('process', options)
      span.setAttribute('messaging.message.id', delivery.id)
      span.setAttribute('lateness', delivery.latenessMs)
      return run().finally(() => span.end())
    },
  }
}
