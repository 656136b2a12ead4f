import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, ladder, onAny, type Destination } from '../../src/index.js'
import { listQueuesOf } from '../../src/cli/failed/dead-queues.js'
import type { Terminal } from '../../src/cli/terminal.js'
import { utcTimes } from '../../src/cli/terminal-times.js'
import { silent } from '../../src/base/logger.js'
import { listDeadQueues } from '../../src/operate/failed/list-dead-queues.js'
import { copyExchange } from '../../src/operate/leave-plugin/copy-exchange.js'
import { switchExchange } from '../../src/operate/leave-plugin/switch-exchange.js'
import { statusReport, type StatusOptions } from '../../src/operate/status.js'
import { removeTopology } from '../../src/operate/topology/remove.js'
import { checkRecurring } from '../../src/recurring/check-recurring.js'
import { encodeDefinition } from '../../src/recurring/definition.js'
import { tickOf } from '../../src/recurring/tick.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { postgresStore } from '../../src/strategies/postgres/postgres-store.js'
import { redis } from '../../src/strategies/redis/index.js'
import { redisStore } from '../../src/strategies/redis/redis.js'
import type { MessageStore } from '../../src/strategies/store/message-store.js'
import type { Strategy } from '../../src/strategies/strategy.js'
import { note, unique } from '../strategies/recorder.js'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { bury, DIED } from '../support/dead.js'
import { failure, rawChannel } from '../support/mq.js'
import { holds, idsIn } from '../support/parked.js'
import { usePostgres } from '../support/postgres.js'
import { useRedis } from '../support/redis.js'
import { userWith } from '../support/users.js'

const vhost = useVhost()
const url = managementUrl()
const noManagement = url === undefined ? ' (skipped: RABBITMQ_MANAGEMENT_URL is not set)' : ''
const here = (namespace: string) => ({ url: vhost.url, namespace, logger: false as const })
const at = (day: number) => new Date(Date.UTC(2035, 0, day))

/** Schedules to a destination, once for each day. */
async function scheduled(namespace: string, strategy: Strategy, to: Destination, days: readonly number[]) {
  const mq = await connect({ ...here(namespace), strategy })
  for (const day of days) await mq.schedule(note, { n: day }, { to, at: at(day), declare: true })
  await mq.close()
}

/** Declares a work queue of a namespace, and puts messages into its dead queue. */
async function deadIn(namespace: string, queue: string, ids: readonly string[], reason = 'handler-error') {
  const mq = await connect(here(namespace))
  await (await mq.consume(queue, [onAny(() => undefined)])).close()
  await mq.close()
  const dead = ids.map((id, i) => ({ id, reason, headers: { 'dueque-dead-at': DIED + i * 1000 } }))
  await bury(await rawChannel(vhost.url), queue, dead)
}

/** The counts of the management API are some seconds old. */
async function reports(options: StatusOptions, expected: object): Promise<void> {
  let last: unknown
  const isSame = async () => {
    last = await statusReport(options)
    expect(last).toMatchObject(expected)
    return true
  }
  await poll(isSame, { what: 'the report', timeoutMs: 40_000 })
}

const target = (name: string, more: object) => ({ ...NOTHING, target: name, ...more })
const NOTHING = {
  ...{ exists: true, messages: 0, ready: 0, waiting: null, nextAt: null, lastAt: null },
  ...{ dead: null, oldestDeadAt: null },
}

describe.skipIf(url === undefined)(`by the management API${noManagement}`, () => {
  test('each target has its due, waiting and dead messages, of its own namespace alone', async () => {
    const namespace = unique('a')
    const [queue, empty, exchange] = [unique('notes'), unique('empty'), unique('clinic')]
    const channel = await rawChannel(vhost.url)
    await channel.assertExchange(exchange, 'direct')
    await scheduled(namespace, ladder({ journal: true }), { queue }, [3, 1, 2])
    await scheduled(namespace, ladder({ journal: true }), { exchange, routingKey: 'k' }, [4])
    await deadIn(namespace, queue, ['x', 'y'])
    await scheduled(namespace, ladder(), { queue: empty }, [1])
    await deadIn(`${namespace}.b`, unique('others'), ['z'])
    channel.sendToQueue(queue, Buffer.from('1'))
    const counted = expect.objectContaining({ target: `queue:${queue}`, messages: 1 }) as object
    await reports(
      { ...here(namespace), management: url },
      {
        source: 'management',
        targets: expect.arrayContaining([counted]) as object,
        dead: [
          { queue: `${empty}.dead`, messages: 0 },
          { queue: `${queue}.dead`, messages: 2 },
        ],
        waitingIn: { source: 'journal', messages: 4, nextAt: at(1).toISOString(), lastAt: at(4).toISOString() },
      },
    )
    const report = await statusReport({ ...here(namespace), management: url })
    const times = (from: number, to: number) => ({ nextAt: at(from).toISOString(), lastAt: at(to).toISOString() })
    expect(report.targets).toEqual([
      target(`exchange:${exchange}`, { messages: null, ready: null, waiting: 1, ...times(4, 4) }),
      target(`queue:${empty}`, { waiting: 0, dead: 0 }),
      target(`queue:${queue}`, {
        ...{ messages: 1, ready: 1, waiting: 3, ...times(1, 3) },
        ...{ dead: 2, oldestDeadAt: new Date(DIED).toISOString() },
      }),
    ])
    const short = await statusReport({ ...here(namespace), management: url, queues: [queue], readWaiting: false })
    expect(short).toMatchObject({ waitingIn: null, targets: [{ target: `queue:${queue}`, waiting: null, dead: 2 }] })
    expect(await idsIn(channel, `${queue}.dead`)).toEqual(['x', 'y'])
  })

  test('the dead queues of a namespace are listed with their oldest message and reasons, and stay as they are', async () => {
    const namespace = unique('dead')
    const [many, few, none] = [unique('many'), unique('few'), unique('none')]
    await deadIn(namespace, many, ['a', 'b', 'c'], 'expired')
    await deadIn(namespace, few, ['d'])
    await deadIn(namespace, none, [])
    await deadIn(`${namespace}.b`, unique('others'), ['z'])
    const options = { ...here(namespace), management: url }
    const isCounted = async () => (await listDeadQueues(options)).count.messages === 4
    await poll(isCounted, { what: 'the counts', timeoutMs: 40_000 })
    const head = (looked: number, reason: string) => ({
      count: looked,
      looked,
      oldestAt: new Date(DIED),
      reasons: new Map([[reason, looked]]),
    })
    expect(await listDeadQueues(options)).toEqual({
      queues: [
        { queue: many, deadQueue: `${many}.dead`, messages: 3, head: head(3, 'expired') },
        { queue: few, deadQueue: `${few}.dead`, messages: 1, head: head(1, 'handler-error') },
      ],
      count: { queues: 2, messages: 4 },
    })
    expect(await listDeadQueues({ ...options, limit: 1 })).toMatchObject({
      queues: [{ queue: many }],
      count: { queues: 2 },
    })
    const lines: string[] = []
    const terminal = {
      ...{
        json: false,
        times: utcTimes,
        tracking: (_: unknown, __: unknown, work: (done: unknown) => unknown) => work(() => 0),
      },
      print: (text: string) => lines.push(...text.split('\n')),
      note: (text: string) => lines.push(text),
    } as unknown as Terminal
    await listQueuesOf({ url: [vhost.url], namespace, management: url!, limit: 1 }, terminal)
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['QUEUE', expect.stringMatching(/^DEAD$/), 'OLDEST', 'REASONS'],
      [many, expect.stringMatching(/^ *3$/), new Date(DIED).toISOString(), '3 expired'],
      ['1 of 2 queues (--limit)'],
    ])
    expect(await idsIn(await rawChannel(vhost.url), `${many}.dead`)).toEqual(['a', 'b', 'c'])
    expect(await failure(listDeadQueues({ ...options, management: false }))).toMatchObject({
      code: 'MANAGEMENT_FAILED',
      message: expect.stringContaining('dueque dead list QUEUE') as string,
    })
  })

  test('a user who may not read a queue sees what the management API and the journal tell of it', async () => {
    const [queue, permissions] = [unique('notes'), { configure: '^dueque', write: '^$', read: '^dueque' }]
    await scheduled('dueque', ladder({ journal: true }), { queue }, [1])
    await deadIn('dueque', queue, ['x'])
    const user = { ...here('dueque'), url: await userWith({ url: vhost.url, name: vhost.name }, permissions) }
    const api = new URL(url!)
    ;[api.username, api.password] = [new URL(vhost.url).username, new URL(vhost.url).password]
    const known = { target: `queue:${queue}`, waiting: 1, oldestDeadAt: null }
    await reports({ ...user, management: api.href }, { targets: [{ ...known, exists: true, dead: 1 }] })
    const { targets } = await statusReport({ ...user, management: false })
    expect(targets).toMatchObject([known])
    // Any user may declare passively on RabbitMQ 3.10.
    const { exists, messages } = targets[0]!
    expect([
      [null, null],
      [true, 0],
    ]).toContainEqual([exists, messages])
    await holds(await rawChannel(vhost.url), `${queue}.dead`, 1)
  })

  test('the management API of another broker is refused: nothing is shown, and nothing is deleted by its numbers', async () => {
    const server = createServer((request, response) => {
      void (async () => {
        const { authorization = '' } = request.headers
        const answer = await fetch(`${url}${request.url}`, { headers: { authorization } })
        const text = await answer.text()
        const isOverview = request.url?.startsWith('/api/overview')
        response.end(isOverview ? JSON.stringify({ ...JSON.parse(text), cluster_name: 'rabbit@elsewhere' }) : text)
      })()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const options = { ...here(unique('a')), management: other }
    for (const work of [
      () => statusReport(options),
      () => listDeadQueues(options),
      () => removeTopology(options),
      () => copyExchange('old', options),
      () => switchExchange('old', options),
    ])
      expect(await failure(work())).toMatchObject({
        code: 'MANAGEMENT_FAILED',
        message: expect.stringMatching(/expected that of the broker, \S+, got that of rabbit@elsewhere/) as string,
      })
    server.closeAllConnections()
  })
})

describe('of a store', () => {
  const own = useRedis()
  const database = usePostgres()

  /** Opens a store as an operator does, and closes it with the test. */
  async function opened(store: MessageStore): Promise<MessageStore> {
    await store.open({ logger: silent, onError: () => undefined })
    return store
  }

  async function shows(strategy: Strategy, store: MessageStore): Promise<void> {
    const [namespace, queue] = [unique('store'), unique('notes')]
    await scheduled(namespace, strategy, { queue }, [2, 1])
    await opened(store)
    const options = { message: note, payload: { n: 0 }, to: { queue }, every: '1d' } as const
    const definition = { ...(await checkRecurring('daily', options, Date.now())), revision: 1 }
    await store.definitions.write(encodeDefinition(definition))
    // Namespaces may share a store.
    for (const one of [namespace, `${namespace}.b`]) {
      const route = { strategy, queue: `${one}.v1.ticks`, now: Date.now }
      await store.add(tickOf(definition, at(3).getTime(), route), {})
    }
    const report = await statusReport({ ...here(namespace), management: false, store })
    await store.close()
    const times = { nextAt: at(1).toISOString(), lastAt: at(2).toISOString() }
    expect(report).toMatchObject({ source: 'amqp', waitingIn: { source: store.name, messages: 2, ...times } })
    expect(report.targets).toEqual([target(`queue:${queue}`, { waiting: 2, ...times })])
    expect(report.recurring).toEqual({ definitions: 1, unreadable: 0, tickers: null })
  }

  test('in Redis, waiting messages are counted by target without ticks, and definitions are counted', async () => {
    const client = new Redis(own.url)
    const options = { client, prefix: own.prefix }
    await shows(redis({ ...options, relay: false }), redisStore(options)).finally(() => client.quit())
  })

  test('in PostgreSQL, too', async () => {
    const pool = new Pool({ connectionString: database.url })
    await shows(postgres({ pool, relay: false }), postgresStore({ pool, migrate: false })).finally(() => pool.end())
  })
})

test('over AMQP, targets that were not named and hold nothing that waits are not known', async () => {
  const [namespace, queue, gone] = [unique('amqp'), unique('notes'), unique('gone')]
  await scheduled(namespace, ladder({ journal: true }), { queue: gone }, [1])
  await deadIn(namespace, queue, ['x'])
  await (await rawChannel(vhost.url)).deleteQueue(gone)
  const options = { ...here(namespace), management: false as const }
  expect((await statusReport(options)).targets).toMatchObject([
    { target: `queue:${gone}`, exists: false, messages: null, waiting: 1, dead: null },
  ])
  expect((await statusReport({ ...options, queues: [queue] })).targets).toEqual([
    target(`queue:${queue}`, { waiting: 0, dead: 1, oldestDeadAt: new Date(DIED).toISOString() }),
  ])
})
