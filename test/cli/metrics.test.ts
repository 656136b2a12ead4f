import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import amqp from 'amqplib'
import { connect } from 'dueque'
import { postgres } from 'dueque/postgres'
import { redis } from 'dueque/redis'
import { Redis } from 'ioredis'
import pg from 'pg'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { BROKER_METRICS } from '../../src/telemetry/prometheus/metric-table.js'
import { note } from '../strategies/recorder.js'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { usePostgres } from '../support/postgres.js'
import { parseExposition, valueIn } from '../support/prometheus-text.js'
import { useRedis } from '../support/redis.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const server = useRedis()
const database = usePostgres()
const namespace = unique('metrics')
const [queue, others] = [unique('notes'), unique('others')]

async function fill(...names: string[]): Promise<void> {
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createConfirmChannel()
  for (const name of names) {
    await channel.assertQueue(name)
    channel.sendToQueue(name, Buffer.from('1'))
  }
  await channel.waitForConfirms()
  await connection.close()
}

/** Two rungs of minutes and two of hours, two dead messages, one parked and one unroutable; and one dead of another namespace. */
beforeAll(async () => {
  const filled = ['wait.30m', 'wait.40m', 'wait.classic.2h', 'wait.2h.1', 'parked', 'unroutable']
  await fill(...filled.map((name) => `${namespace}.v1.${name}`), `${queue}.dead`, `${queue}.dead`, `${others}.dead`)
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createChannel()
  await channel.assertExchange(`${namespace}.v1.dead`, 'direct')
  await channel.bindQueue(`${queue}.dead`, `${namespace}.v1.dead`, `dq~queue~${queue}.dead`)
  await connection.close()
})

/** A ready exporter, and what it answers. */
async function startMetrics(args: string[], env: Record<string, string> = {}) {
  const metrics = start(['metrics', '--port', '0', '--json', ...args], {
    AMQP_URL: vhost.url,
    DUEQUE_NAMESPACE: namespace,
    ...env,
  })
  let out = ''
  metrics.child.stdout.on('data', (text: string) => (out += text))
  await metrics.printed(1)
  const { port } = documents(out)[0] as { port: number }
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  const scrape = async () => {
    const response = await get('/metrics')
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ])
    const scraped = parseExposition(await response.text())
    const value = (name: string, labels?: Record<string, string>) => valueIn(scraped, `dueque_${name}`, labels)
    return Object.assign(value, { scraped })
  }
  return { ...metrics, port, get, scrape }
}

const UNITS = ['ms', 's', 'm', 'h', 'd']

test('counts by the management API, answers 404 elsewhere, and ends on SIGINT', async (context) => {
  const url = managementUrl()
  if (url === undefined) return context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  const exporter = await startMetrics(['--management', url])
  const complete = async () => {
    const value = await exporter.scrape()
    const counted = UNITS.map((unit) => value('messages_waiting', { unit }))
    return String(counted) === '0,0,2,2,0' && Number(value('connections')) > 0 && value
  }
  let value = await exporter.scrape()
  await poll(async () => Boolean((await complete()) && (value = await exporter.scrape())), {
    what: 'the counts',
    timeoutMs: 40_000,
  })
  expect(value('up', { source: 'broker' })).toBe(1)
  expect(value('up', { source: 'management' })).toBe(1)
  expect(value('counts_complete')).toBe(1)
  expect([value('messages_dead', { queue }), value('messages_dead', { queue: others })]).toEqual([2, undefined])
  expect([value('messages_parked'), value('messages_unroutable'), value('messages_in_outlets')]).toEqual([1, 1, 0])
  for (const [name, { series }] of value.scraped) {
    const { labels } = BROKER_METRICS[name.replace('dueque_', '') as keyof typeof BROKER_METRICS]
    for (const one of series) expect([name, Object.keys(one.labels)]).toEqual([name, labels])
  }
  const health = await exporter.get('/health')
  expect([health.status, await health.json()]).toEqual([200, { ok: true, up: { broker: true, management: true } }])
  expect((await exporter.get('/metrics/')).status).toBe(404)
  await expect(fetch(`http://127.0.0.2:${exporter.port}/metrics`)).rejects.toThrow()
  exporter.child.kill('SIGINT')
  const { code, stdout, stderr } = await exporter.ended
  expect({ code, stderr, last: documents(stdout).at(-1) }).toEqual({
    code: 0,
    stderr: '',
    last: { metrics: 'stopped' },
  })
})

test('without the management API, counts what AMQP shows, and says that this is not all', async () => {
  const exporter = await startMetrics(['--no-management', '--queue', queue])
  let value = await exporter.scrape()
  // The first look, for every rung that there may be, takes its time.
  await poll(async () => (value = await exporter.scrape())('counts_complete') === 0, {
    what: 'counts',
    timeoutMs: 60_000,
  })
  expect(UNITS.map((unit) => value('messages_waiting', { unit }))).toEqual([0, 0, 2, 1, 0])
  expect([value('messages_dead', { queue }), value('messages_parked')]).toEqual([2, 1])
  for (const name of ['connections', 'rungs_backed_up', 'messages_in_outlets']) expect(value(name)).toBeUndefined()
  expect(value('up', { source: 'management' })).toBeUndefined()
  // A later look counts the queues that the first one found.
  await fill(`${queue}.dead`)
  const dead = async () => (await exporter.scrape())('messages_dead', { queue })
  await poll(async () => (await dead()) === 3, { what: 'one more', timeoutMs: 30_000 })
})

test('over AMQP, counts a namespace from the moment at which it is declared', async () => {
  const later = unique('metrics')
  const exporter = await startMetrics(['--no-management'], { DUEQUE_NAMESPACE: later })
  const counted = async () => {
    const value = await exporter.scrape()
    return [value('messages_parked'), value('messages_waiting', { unit: 'm' })]
  }
  expect(await counted()).toEqual([0, 0])
  await fill(...['unroutable', 'parked', 'wait.30m'].map((name) => `${later}.v1.${name}`))
  await poll(async () => String(await counted()) === '1,1', { what: 'the messages', timeoutMs: 60_000 })
})

test('counts nothing while a management API that was named is away, and says so', async () => {
  const exporter = await startMetrics(['--management', 'http://127.0.0.1:1'])
  const isUp = async () => (await exporter.scrape())('up', { source: 'broker' })
  await poll(async () => (await isUp()) === 1, { what: 'the broker', timeoutMs: 30_000 })
  const value = await exporter.scrape()
  expect([value('up', { source: 'management' }), value('messages_parked')]).toEqual([0, undefined])
  exporter.child.kill('SIGTERM')
  const { stderr } = await exporter.ended
  const news = documents(stderr).map(({ warning }) => (warning as { message: string }).message)
  expect(news).toContain('the management API does not answer: dueque_up is 0, and messages are not counted')
})

test('says so while the broker is away or silent, and goes on when it is back', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  proxy.refuse()
  const exporter = await startMetrics(['--no-management'], { AMQP_URL: proxy.url() })
  const isUp = async () => (await exporter.scrape())('up', { source: 'broker' })
  const value = await exporter.scrape()
  expect([...value.scraped.keys()]).toEqual(['dueque_up'])
  expect(await isUp()).toBe(0)
  expect((await exporter.get('/health')).status).toBe(503)
  await proxy.listen()
  await poll(async () => (await isUp()) === 1, { what: 'the broker', timeoutMs: 30_000 })
  await poll(async () => (await exporter.scrape())('messages_parked') === 1, { what: 'the counts', timeoutMs: 60_000 })
  proxy.freeze()
  await poll(async () => (await isUp()) === 0, { what: 'the silence', timeoutMs: 30_000 })
  proxy.thaw()
  await poll(async () => (await isUp()) === 1, { what: 'the broker again', timeoutMs: 60_000 })
  exporter.child.kill('SIGTERM')
  const { code, stderr } = await exporter.ended
  expect(code).toBe(0)
  const news = documents(stderr).map(({ warning }) => (warning as { message: string }).message)
  const away = 'RabbitMQ does not answer: dueque_up is 0'
  expect(news.slice(0, 2)).toEqual([away, 'queues cannot be counted: dueque_up is 0, and messages are not counted'])
  expect(news.filter((one) => one === away)).toHaveLength(2)
})

const STORES = {
  redis: () => {
    const client = new Redis(server.url)
    const env = { DUEQUE_REDIS_URL: server.url, DUEQUE_REDIS_PREFIX: server.prefix }
    return { strategy: redis({ client, prefix: server.prefix, relay: false }), env, end: () => client.quit() }
  },
  postgres: () => {
    const pool = new pg.Pool({ connectionString: database.url })
    return {
      strategy: postgres({ pool, relay: false }),
      env: { DUEQUE_POSTGRES_URL: database.url },
      end: () => pool.end(),
    }
  },
}

test.each(['redis', 'postgres'] as const)(
  'shows the waiting messages of %s, and how far relays are behind',
  async (unit) => {
    const { strategy, env, end } = STORES[unit]()
    onTestFinished(() => void end())
    const mq = await connect({ url: vhost.url, strategy })
    const soon = await mq.schedule(note, { n: 1 }, { to: { queue: unique('stored') }, in: '1s', declare: true })
    await mq.schedule(note, { n: 2 }, { to: { queue: unique('stored') }, in: '1h', declare: true })
    await mq.close()
    const exporter = await startMetrics(['--no-management'], env)
    let value = await exporter.scrape()
    expect(value('up', { source: 'store' })).toBe(1)
    expect(value('messages_waiting', { unit })).toBe(2)
    expect(value('next_due_timestamp_seconds')).toBe(Date.parse(soon.dueAt) / 1000)
    await poll(async () => Number((value = await exporter.scrape())('relay_lag_seconds')) > 0, {
      what: 'lag',
      timeoutMs: 20_000,
    })
  },
)

test('starts while the store is away, reports it as down, and counts in it once it is there', async () => {
  const proxy = await TcpProxy.to(server.url)
  onTestFinished(() => proxy.close())
  proxy.refuse()
  const env = { DUEQUE_REDIS_URL: proxy.url(), DUEQUE_REDIS_PREFIX: server.prefix }
  const exporter = await startMetrics(['--no-management'], env)
  expect((await exporter.scrape())('up', { source: 'store' })).toBe(0)
  await proxy.listen()
  let value: Awaited<ReturnType<typeof exporter.scrape>>
  await poll(async () => (value = await exporter.scrape())('up', { source: 'store' }) === 1, {
    what: 'the store',
    timeoutMs: 30_000,
  })
  expect(value!('messages_waiting', { unit: 'redis' })).toBeGreaterThanOrEqual(0)
  const wrong = await run(['metrics', '--port', '0', '--redis', 'redis://x', '--postgres', 'postgres://x/y'])
  expect(wrong).toMatchObject({ code: 2, stderr: 'error: --redis and --postgres: expected one of them\n' })
})

test('refuses a port that is taken, and ends at once while a source is silent', async () => {
  let isAsked = false
  const silent = createServer(() => (isAsked = true)).listen(0, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const exporter = await startMetrics(['--management', `http://127.0.0.1:${port}`])
  const taken = await run(['metrics', '--port', String(exporter.port)], { AMQP_URL: vhost.url })
  expect(taken).toMatchObject({ code: 2, stdout: '' })
  expect(taken.stderr).toMatch(/^error: --port: .*EADDRINUSE/)
  exporter.get('/metrics').catch(() => undefined)
  await poll(() => isAsked, { what: 'a question to the management API' })
  const startedAt = performance.now()
  exporter.child.kill('SIGTERM')
  expect((await exporter.ended).code).toBe(0)
  // The API would have 10 s to answer.
  expect(performance.now() - startedAt).toBeLessThan(8000)
})
