import { createServer } from 'node:http'
import { on, type LadderStrategy } from 'dueque'
import { prometheus } from 'dueque/prometheus'
import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { parseExposition, valueIn } from '../support/prometheus-text.js'

const vhost = useVhost()

/** A producer and a consumer with one telemetry, served over HTTP as docs/guides/prometheus.md says. */
async function served(url: string, queue: string) {
  const telemetry = prometheus()
  const [producer, consumer] = await Promise.all(
    [0, 1].map(() => open<LadderStrategy>(url, { telemetry, logger: false })),
  )
  await consumer!.consume(queue, [on(note, () => undefined)])
  const server = createServer((_, response) => {
    void telemetry.metrics().then((text) => response.setHeader('content-type', telemetry.contentType).end(text))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  const scrape = async () => {
    const { port } = server.address() as { port: number }
    const metrics = parseExposition(await (await fetch(`http://127.0.0.1:${port}/`)).text())
    return (name: string, labels?: Record<string, string>) => valueIn(metrics, `dueque_${name}`, labels)
  }
  return { producer: producer!, scrape }
}

test('a scrape shows messages, cancellations and lost connections of a real broker', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const queue = unique('scraped')
  const { producer, scrape } = await served(proxy.url(), queue)
  const cancelled = await producer.schedule(note, { n: 0 }, { to: { queue }, in: '1h', id: unique('never') })
  expect(await producer.cancel(cancelled)).toBe('cancelled')
  for (const n of [1, 2]) await producer.schedule(note, { n }, { to: { queue }, in: 100 })
  const [processed, consumers] = [{ queue, name: note.name, outcome: 'handled' }, { role: 'consumer' }]
  await poll(async () => (await scrape())('messages_processed_total', processed) === 2, {
    what: 'two handled',
    timeoutMs: 30_000,
  })

  const up = await scrape()
  expect(up('messages_scheduled_total', { name: note.name, outcome: 'confirmed' })).toBe(3)
  expect(up('schedule_duration_seconds_count')).toBe(3)
  expect(up('message_lateness_seconds_count', { queue })).toBe(2)
  expect(up('cancellations_total', { outcome: 'cancelled' })).toBe(1)
  expect(up('cancellations_remembered')).toBe(1)
  expect(up('cancellations_proved_age_seconds')).toBeLessThan(60)
  expect([up('connection_up', { role: 'producer' }), up('connection_up', consumers)]).toEqual([1, 1])
  expect([up('messages_unconfirmed'), up('broker_blocked'), up('disconnections_total')]).toEqual([0, 0, 0])

  proxy.refuse()
  proxy.cut()
  await poll(async () => (await scrape())('connection_up', consumers) === 0, { what: 'the loss', timeoutMs: 30_000 })
  const waiting = producer.schedule(note, { n: 3 }, { to: { queue }, in: 0 })
  await poll(async () => (await scrape())('messages_unconfirmed') === 1, { what: 'the schedule', timeoutMs: 30_000 })
  await proxy.listen()
  await waiting
  await poll(async () => (await scrape())('connection_up', consumers) === 1, {
    what: 'the connection',
    timeoutMs: 30_000,
  })
  // Those of the producer, and both of the process that consumes.
  expect((await scrape())('disconnections_total')).toBe(3)
})
