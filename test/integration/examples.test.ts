import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { withPostgres } from '../../scripts/services/postgres-client.js'
import { poll, useVhost } from '../support/broker.js'
import { runExample, startExample } from '../support/example.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { open } from '../support/mq.js'
import { usePostgres } from '../support/postgres.js'
import { unique } from '../strategies/recorder.js'

const vhost = useVhost()
const database = usePostgres()

test('order-timeout: the timeout of a paid order is cancelled, an unpaid order is cancelled when its time is over', async () => {
  const env = { AMQP_URL: vhost.url, ORDERS: temporaryFolder() }
  const consumer = startExample('order-timeout/consumer.ts', env)
  await Promise.all([
    runExample('order-timeout/producer.ts', env, 'o-17'),
    runExample('order-timeout/producer.ts', env, 'o-18', '1s'),
  ])
  expect(await runExample('order-timeout/pay.ts', env, 'o-17')).toEqual(['order o-17 is paid, its timeout: cancelled'])
  await poll(() => consumer.lines.length === 2, { timeoutMs: 30_000, what: 'the timeout of o-18' })
  expect(consumer.lines).toEqual([
    'waiting for orders that time out',
    expect.stringMatching(/^order o-18 is cancelled \(\d+ ms after its time\)$/),
  ])
})

test('outbox: an order and its messages are committed together, or not at all', async () => {
  const env = { AMQP_URL: vhost.url, DATABASE_URL: database.url }
  const order = unique('order')
  const consumer = startExample('outbox/consumer.ts', env)
  await poll(() => consumer.lines.length === 1, { timeoutMs: 30_000, what: 'the consumer' })
  expect(await runExample('outbox/place-order.ts', env, order, '1s')).toEqual([`order ${order} is placed`])
  expect(await runExample('outbox/place-order.ts', env, order)).toEqual([
    expect.stringContaining(`order ${order} is not placed, and no message waits: duplicate key`),
  ])
  await poll(() => consumer.lines.length === 3, { timeoutMs: 30_000, what: 'both messages of the order' })
  expect(consumer.lines).toEqual([
    'waiting for orders',
    `thank you for the order ${order}`,
    `order ${order} is cancelled`,
  ])
  // The relay removes them a moment after it has handed them over.
  const left = () => withPostgres(database.url, (client) => client.query('SELECT id FROM dueque.messages'))
  await poll(async () => (await left()).rows.length === 0, { what: 'no message to be left' })
  consumer.process.kill('SIGINT')
  expect(await once(consumer.process, 'close')).toEqual([0, null])
})

test('daily-report: the schedule is set once, and each occurrence is a report', async () => {
  const env = { AMQP_URL: vhost.url, REPORTS: temporaryFolder() }
  const consumer = startExample('daily-report/consumer.ts', env)
  await poll(() => consumer.lines.length === 1, { timeoutMs: 30_000, what: 'the schedule' })
  const mq = await open(vhost.url)
  const { nextAt } = (await mq.recurring.get('daily-report'))!
  expect(new Intl.DateTimeFormat('de', { timeStyle: 'short', timeZone: 'Europe/Berlin' }).format(nextAt)).toBe('09:00')
  await mq.recurring.trigger('daily-report')
  await poll(() => consumer.lines.length === 2, { timeoutMs: 30_000, what: 'a report' })
  expect(consumer.lines).toEqual(['daily-report is set', expect.stringMatching(/^the daily report of /)])
  expect(readdirSync(env.REPORTS)).toEqual([expect.stringMatching(/^daily-report%40/)])
})

test('fastify: reminders are scheduled, shown behind the login, and counted', async () => {
  const env = { AMQP_URL: vhost.url, PORT: '0', DASHBOARD_PASSWORD: 'secret' }
  const server = startExample('fastify/server.ts', env)
  await poll(() => server.lines.length === 1, { timeoutMs: 30_000, what: 'the server' })
  const url = server.lines[0]!.replace('listening on ', '')
  const post = (body: object | string) =>
    fetch(`${url}/reminders`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })

  const answer = await post({ patient: 'p-7', room: '2b', in: '10ms' })
  expect([answer.status, await answer.json()]).toEqual([
    202,
    expect.objectContaining({ destination: { queue: 'reminders' } }),
  ])
  expect(await (await post({ patient: 'p-7', in: '10ms' })).json()).toEqual({
    error: expect.stringContaining('room') as string,
  })
  expect((await post({ patient: 'p-7', room: '2b', in: 'soon' })).status).toBe(400)
  expect((await post('{')).status).toBe(400)
  await poll(() => server.lines.length === 2, { timeoutMs: 30_000, what: 'the reminder' })
  expect(server.lines[1]).toBe('remind p-7 of room 2b')

  const authorization = `Basic ${Buffer.from('admin:secret').toString('base64')}`
  expect((await fetch(`${url}/dueque/api/about`)).status).toBe(401)
  expect(await (await fetch(`${url}/dueque/api/about`, { headers: { authorization } })).json()).toMatchObject({
    namespace: 'dueque',
  })
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^dueque_message_lateness_seconds_count\{.*\} 1$/m)
  expect((await fetch(`${url}/health`)).status).toBe(200)
  server.process.kill('SIGTERM')
  expect(await once(server.process, 'close')).toEqual([0, null])
})

test('nestjs: the timeout of a paid order is cancelled, an unpaid order is cancelled, and the application drains', async () => {
  const { process, lines } = startExample('nestjs/main.ts', { AMQP_URL: vhost.url, PORT: '0' })
  const listening = () => /^listening at (.*)$/.exec(lines.find((line) => line.startsWith('listening')) ?? '')?.[1]
  await poll(() => listening() !== undefined, { timeoutMs: 30_000, what: 'the application to listen' })
  const ask = async (path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' }
    const request = body && { method: 'POST', headers, body: JSON.stringify(body) }
    return (await fetch(`${listening()}/${path}`, request)).json() as Promise<Record<string, unknown>>
  }
  await ask('orders', { order: 'o-17' })
  await ask('orders', { order: 'o-18', within: '1s' })
  expect(await ask('orders/o-17/payment', {})).toEqual({ order: 'o-17', timeout: 'cancelled' })
  const state = async (order: string) => (await ask(`orders/${order}`))['state']
  await poll(async () => (await state('o-18')) === 'cancelled', { timeoutMs: 30_000, what: 'the timeout of o-18' })
  expect(await state('o-17')).toBe('paid')
  expect(await ask('health')).toMatchObject({ rabbitmq: { status: 'up', consumer: 'up' } })
  process.kill('SIGTERM')
  expect(await once(process, 'close')).toEqual([null, 'SIGTERM'])
})
