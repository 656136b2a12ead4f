/** A program that is traced by OpenTelemetry's instrumentation of amqplib alone. Imported before everything that loads amqplib. */
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { AmqplibInstrumentation } from '@opentelemetry/instrumentation-amqplib'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'
import type { Channel, ChannelModel } from 'amqplib'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'

export const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
const [garbage, gone] = [{ arrived: 0, collected: 0 }, new FinalizationRegistry(() => garbage.collected++)]
const consumeHook = (_: unknown, { msg }: { msg: object | null }) => {
  garbage.arrived++
  gone.register(msg!, undefined)
}
registerInstrumentations({
  tracerProvider: provider,
  instrumentations: [new AmqplibInstrumentation({ consumeHook })],
})

type Opens = Record<'createChannel' | 'createConfirmChannel', (this: ChannelModel) => Promise<Channel>>
const channels = new Set<Channel>()
const require = createRequire(import.meta.url)
const model = join(dirname(require.resolve('amqplib')), 'lib/channel_model.js')
const { prototype } = (require(model) as { ChannelModel: { prototype: Opens } }).ChannelModel
for (const name of ['createChannel', 'createConfirmChannel'] as const) {
  const open = prototype[name]
  prototype[name] = async function () {
    const channel = await open.call(this)
    channels.add(channel)
    return channel
  }
}

/** Arrived messages that the instrumentation has seen, and those among them that were collected as garbage. */
export const messages: Readonly<typeof garbage> = garbage

/** Consumer spans that have not ended, of all channels. */
export function openSpans(): number {
  let count = 0
  for (const channel of channels)
    for (const symbol of Object.getOwnPropertySymbols(channel))
      if (symbol.description === 'opentelemetry.amqplib.channel.spans-not-ended')
        count += (channel as unknown as Record<symbol, unknown[]>)[symbol]!.length
  return count
}

/** Cuts all connections. */
export function cut(): void {
  for (const channel of channels) {
    const { connection } = channel as unknown as { connection: { stream: Duplex } }
    connection.stream.destroy(new Error('cut'))
    channels.delete(channel)
  }
}

/** Runs `work` in a trace of its own. @returns the id of the trace, before the work ends */
export function inTrace(work: () => unknown): string {
  return trace.getTracer('test').startActiveSpan('caller', { root: true }, (span) => {
    void Promise.resolve(work()).finally(() => span.end())
    return span.spanContext().traceId
  })
}

/** As {@link inTrace}, with the result of the work. */
export async function within<T>(work: () => Promise<T>): Promise<T> {
  let result: Promise<T>
  inTrace(() => (result = work()))
  return result!
}

export const activeTrace = (): string | undefined => trace.getActiveSpan()?.spanContext().traceId

export function spansOf(id: string, kind?: SpanKind): ReadableSpan[] {
  return exporter
    .getFinishedSpans()
    .filter((span) => span.attributes['messaging.message_id'] === id && (kind === undefined || span.kind === kind))
}

export const publishesOf = (id: string) => spansOf(id, SpanKind.PRODUCER)

/** The publishes to an exchange that have a parent, and all of them. */
export function recordsOf(exchange: string) {
  const spans = exporter
    .getFinishedSpans()
    .filter(({ kind, attributes }) => kind === SpanKind.PRODUCER && attributes['messaging.destination'] === exchange)
  return { count: spans.length, children: spans.filter(({ parentSpanContext }) => parentSpanContext).length }
}

/** What the spans of messages show, whose callers' traces are known by id. */
export function judge(callers: ReadonlyMap<string, string>) {
  const spans = [...callers].map(([id, own]) => ({ id, own, all: spansOf(id) }))
  return {
    messages: callers.size,
    /** Messages without a publish. */
    unseen: spans.filter(({ id }) => publishesOf(id).length === 0).map(({ id }) => id),
    /** Spans in the trace of another caller, or of none. */
    strange: spans.flatMap(({ id, own, all }) =>
      all.filter((span) => span.spanContext().traceId !== own).map(({ name }) => `${name} of ${id}`),
    ),
    /** Consumer spans with an error. */
    failed: spans.flatMap(({ all }) =>
      all.filter(({ kind, status }) => kind === SpanKind.CONSUMER && status.code === SpanStatusCode.ERROR),
    ).length,
    publishes: spans.reduce((sum, { id }) => sum + publishesOf(id).length, 0),
  }
}
