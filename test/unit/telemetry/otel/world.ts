import { context, propagation, trace, type Attributes, type SpanContext } from '@opentelemetry/api'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll } from 'vitest'
import type { ConnectOptions, Delivery, MemoryStrategy } from '../../../../src/index.js'
import { openTelemetry, type OpenTelemetryOptions } from '../../../../src/telemetry/otel/index.js'
import { world } from '../world.js'

/** Lets contexts go along with calls and headers, as a registered SDK does, while the tests of the file run. */
export function useContexts(): void {
  beforeAll(() => new NodeTracerProvider().register())
  afterAll(() => {
    for (const api of [context, propagation, trace]) api.disable()
  })
}

class Reader extends MetricReader {
  protected onForceFlush = () => Promise.resolve()
  protected onShutdown = () => Promise.resolve()
}

/** One value of a metric, or the count and sum of a histogram. */
export interface Point {
  readonly attributes: Attributes
  readonly value: number | { count: number; sum: number }
}

/** An SDK that keeps what it gets. */
export function sdk() {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const reader = new Reader()
  const meterProvider = new MeterProvider({ readers: [reader] })
  const all = async () => {
    const { resourceMetrics, errors } = await reader.collect()
    if (errors.length > 0) throw errors[0] as Error
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
  }
  return {
    tracerProvider,
    meterProvider,
    tracer: tracerProvider.getTracer('test'),
    spans: () => exporter.getFinishedSpans(),
    metrics: all,
    /** The points of one metric, those with the fewest attributes first. */
    points: async (name: string): Promise<Point[]> => {
      const found = (await all()).find(({ descriptor }) => descriptor.name === name)
      return (found?.dataPoints ?? [])
        .map(({ attributes, value }) => ({
          attributes,
          value: typeof value === 'number' ? value : { count: value.count, sum: (value as { sum: number }).sum },
        }))
        .sort((a, b) => Object.keys(a.attributes).length - Object.keys(b.attributes).length)
    },
  }
}

/** A consumer of orders on a connection with this telemetry, and its SDK. */
export async function tracedWorld(
  options: OpenTelemetryOptions = {},
  handle?: (delivery: Delivery<number>) => unknown,
  connectOptions?: ConnectOptions<MemoryStrategy>,
) {
  const own = sdk()
  const { tracerProvider, meterProvider } = own
  const telemetry = openTelemetry({ tracerProvider, meterProvider, ...options })
  return { ...own, ...(await world(telemetry, handle, connectOptions)) }
}

/** The spans of this name. */
export function named(spans: readonly ReadableSpan[], name: string): ReadableSpan[] {
  return spans.filter((span) => span.name === name)
}

export function idsOf({ traceId, spanId }: SpanContext): { traceId: string; spanId: string } {
  return { traceId, spanId }
}
