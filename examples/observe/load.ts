// A load to look at in Prometheus and Grafana, until Ctrl-C. Its metrics are at http://HOST:PORT/metrics.
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, defineMessage, on, type Dueque, type ScheduleOptions } from 'dueque'
import { prometheus } from 'dueque/prometheus'
import { redis } from 'dueque/redis'
import { Redis } from 'ioredis'
import { z } from 'zod'

const { AMQP_URL: url = 'amqp://localhost', REDIS_URL, REDIS_PREFIX: prefix, HOST = '127.0.0.1' } = process.env
const [PORT, EVERY_MS] = [Number(process.env['PORT'] ?? 9464), 50]
const [reminders, invoices] = ['load.reminders', 'load.invoices']
const visit = defineMessage('visit', z.object({ n: z.number() }))

const telemetry = prometheus()
const mq = await connect({ url, telemetry })
// With REDIS_URL, invoices wait in Redis, and this process is their relay too.
const client = REDIS_URL === undefined ? undefined : new Redis(REDIS_URL)
const stored: Dueque | undefined = client && (await connect({ url, telemetry, strategy: redis({ client, prefix }) }))

/** Works for a moment, and fails now and then: most of these messages succeed at their second attempt. */
const handler = on(visit, async ({ attempt, payload: { n }, deadLetter }) => {
  await pause(5 + Math.random() * 20)
  if (n % 50 === 7) return deadLetter('no such patient')
  if (n % 20 === 3 && attempt === 1) throw new Error('try again')
})
for (const queue of [reminders, invoices]) await mq.consume(queue, [handler], { retry: { backoff: ['1s', '5s'] } })

const server = createServer((_request, response) => {
  telemetry.metrics().then(
    (text) => response.setHeader('content-type', telemetry.contentType).end(text),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})
server.listen(PORT, HOST, () => {
  const { port } = server.address() as { port: number }
  console.log(`metrics at http://${HOST}:${port}/metrics`)
})

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
for (let n = 0; !stop.signal.aborted; n++) {
  // Without a wait for the confirm: the first message to each rung has a slow one.
  schedule(n).catch((error: unknown) => stop.signal.aborted || console.error(String(error)))
  await pause(EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined)
}
server.close()
await Promise.all([mq.close(), stored?.close()])
await client?.quit()

/** One of ten is due in hours, and one of twenty is cancelled. */
async function schedule(n: number): Promise<void> {
  const delay = n % 10 === 9 ? 3_600_000 * (1 + (n % 4)) : 1000 + Math.random() * 30_000
  const options = (queue: string): ScheduleOptions => ({ to: { queue }, in: Math.round(delay) })
  const receipt = await mq.schedule(visit, { n }, options(reminders))
  if (n % 20 === 9) await mq.cancel(receipt)
  if (n % 4 === 0) await (stored ?? mq).schedule(visit, { n }, options(invoices))
}
