/**
 * A program traced by OpenTelemetry's instrumentation of amqplib: consumes a queue, handles some messages, fails one, and
 * prints its consumer spans as one line of JSON. Arguments: URL, queue, messages.
 */
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { AmqplibInstrumentation } from '@opentelemetry/instrumentation-amqplib'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { poll } from '../../scripts/broker/poll.js'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
registerInstrumentations({ tracerProvider: provider, instrumentations: [new AmqplibInstrumentation()] })

// Only now, so that amqplib is instrumented.
const { connect, defineMessage, on } = await import('../../src/index.js')
const { z } = await import('zod')

const [url, queue, count] = [process.argv[2]!, process.argv[3]!, Number(process.argv[4])]
const job = defineMessage('job', z.number())
const mq = await connect({ url })
await mq.consume(queue, [
  on(job, (delivery) => {
    if (delivery.payload === 0 && delivery.attempt === 1) delivery.retry({ in: 0 })
  }),
])
await Promise.all(Array.from({ length: count }, (_, n) => mq.schedule(job, n, { to: { queue }, in: 0 })))

const spans = () =>
  exporter.getFinishedSpans().filter(({ kind, name }) => kind === SpanKind.CONSUMER && name.startsWith(queue))
await poll(() => Promise.resolve(spans().length > count), { what: 'the spans', timeoutMs: 20_000 }).catch(
  () => undefined,
)
console.log(JSON.stringify(spans().map(({ status }) => (status.code === SpanStatusCode.ERROR ? status.message : 'ok'))))
await mq.close()
