import { context, propagation, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { Redis } from 'ioredis'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, on, type ConnectOptions, type Delivery, type Dueque, type Strategy } from '../../src/index.js'
import { deadMessages } from '../../src/operate/failed/dead-messages.js'
import { redriveFailed } from '../../src/operate/failed/redrive-failed.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { openTelemetry } from '../../src/telemetry/otel/index.js'
import { openWorld } from '../strategies/amqp-world.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { usePostgres } from '../support/postgres.js'
import { useRedis } from '../support/redis.js'

const vhost = useVhost()
const redisServer = useRedis()
const database = usePostgres()
const exporter = new InMemorySpanExporter()
const timeoutMs = 30_000

beforeAll(() => new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register())
afterAll(() => {
  for (const api of [context, propagation, trace]) api.disable()
})

const spansOf = (id: string, operation: string) =>
  exporter
    .getFinishedSpans()
    .filter(({ attributes }) => attributes['messaging.message.id'] === id)
    .filter(({ attributes }) => attributes['messaging.operation.name'] === operation)

/** Schedules one note to a queue, has it handled so often, and looks at where its spans lead. */
async function follow(
  options: ConnectOptions<Strategy>,
  handle: (delivery: Delivery) => unknown,
  attempts: number,
  meanwhile: (queue: string, mq: Dueque) => Promise<unknown> = () => Promise.resolve(),
) {
  const [id, queue] = [unique('traced'), unique('traced')]
  const mq = await connect({ url: vhost.url, telemetry: openTelemetry(), ...options })
  try {
    await mq.consume(queue, [on(note, handle)])
    await mq.schedule(note, { n: 1 }, { to: { queue }, id, in: 700 })
    await meanwhile(queue, mq)
    await poll(() => spansOf(id, 'process').length === attempts, { what: `${attempts} handlers`, timeoutMs })
  } finally {
    await mq.close({ drainTimeoutMs: 2000 })
  }
  const [schedule, ...more] = spansOf(id, 'schedule')
  expect(more).toEqual([])
  const links = spansOf(id, 'process').map((span) => span.links.map((link) => link.context.spanId))
  expect(links).toEqual(Array.from({ length: attempts }, () => [schedule!.spanContext().spanId]))
}

test('a handler links to the schedule after a retry, and after a redrive of its dead message', async () => {
  const handle = ({ attempt, retry, deadLetter }: Delivery) => {
    if (attempt === 1) retry({ in: 0 })
    if (attempt === 2) deadLetter('no such room')
  }
  await follow({}, handle, 3, async (queue, mq) => {
    const dead = new Promise<void>((resolve) => void mq.on('dead', () => resolve()))
    await dead
    const { sent } = await redriveFailed(deadMessages(queue), { url: vhost.url })
    expect(sent).toBe(1)
  })
})

test('a handler links to the schedule of a message that was unroutable', async () => {
  const world = openWorld(vhost.url)
  await follow(
    {},
    () => undefined,
    1,
    (queue) => world.admin((channel) => channel.unbindQueue(queue, 'dueque.v1.deliver', `dq~queue~${queue}`)),
  )
})

test('a handler links to the schedule of a message that waited in Redis', async () => {
  const client = new Redis(redisServer.url)
  await follow({ strategy: redis({ client, prefix: redisServer.prefix }) }, () => undefined, 1)
  await client.quit()
})

test('a handler links to the schedule of a message that waited in PostgreSQL', async () => {
  const pool = new Pool({ connectionString: database.url })
  await follow({ strategy: postgres({ pool }) }, () => undefined, 1)
  await pool.end()
})

/** What OTLP sends as JSON, as far as it matters here. */
interface Sent {
  resourceSpans: {
    scopeSpans: {
      scope: { name: string }
      spans: { name: string; traceId: string; spanId: string; kind: number; links?: { traceId: string }[] }[]
    }[]
  }[]
}

test('a receiver of OTLP over HTTP gets the spans of a schedule and of its handler', async () => {
  const received: Sent[] = []
  const server = createServer((request: IncomingMessage, response) => {
    void json(request).then((body) => {
      received.push(body as Sent)
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))] })
  const mq = await connect({ url: vhost.url, telemetry: openTelemetry({ tracerProvider: provider }) })
  const queue = unique('exported')
  const handled = new Promise<void>((resolve) => void mq.on('handled', () => resolve()))
  await mq.consume(queue, [on(note, () => undefined)])
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
  await handled
  await mq.close()
  await provider.shutdown()
  server.close()
  const scopes = received.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans))
  expect(new Set(scopes.map(({ scope }) => scope.name))).toEqual(new Set(['dueque']))
  const spans = scopes.flatMap((scope) => scope.spans)
  const schedule = spans.find(({ name }) => name === `schedule ${queue}`)!
  const process = spans.find(({ name }) => name === `process ${queue}`)!
  expect(spans).toHaveLength(2)
  expect([schedule.kind, process.kind]).toEqual([4, 5])
  expect(process.links?.map(({ traceId }) => traceId)).toEqual([schedule.traceId])
})
