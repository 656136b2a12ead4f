import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  ladder,
  type ConnectOptions,
  type Dueque,
  type LadderStrategy,
  type RecurringMethods,
  type Strategy,
} from '../../src/index.js'
import { batchQueue } from '../../src/message/batch.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { send, batchOf, noteItem } from '../support/batch-of.js'
import { open, rawChannel } from '../support/mq.js'
import { depth } from '../support/parked.js'
import { usePostgres } from '../support/postgres.js'
import { fields, fixed, long, RawPublisher, type RawMessage } from '../support/raw-publisher.js'
import { useRedis } from '../support/redis.js'
import { TICKS } from '../support/recurring.js'
import { GoodMessages } from './good-messages.js'
import * as hostiles from './hostile-records.js'
import { hostile, type HostileRecord, type HostileRow } from './hostile-records.js'

const COUNT = Number(process.env['DUEQUE_HOSTILE_COUNT'] ?? 200)
const SEED = Number(process.env['DUEQUE_HOSTILE_SEED'] ?? 7)
/** Good messages beside the hostile ones. */
const GOOD = 30

vi.setConfig({ testTimeout: 120_000 + COUNT * 10 })

const vhost = useVhost()
const [store, database] = [useRedis(), usePostgres()]

/** Errors and lost connections, which no hostile record may cause. */
function troubleOf(mq: Dueque, allowed: readonly string[] = []): unknown[] {
  const trouble: unknown[] = []
  mq.on('disconnected', (error) => trouble.push('disconnected', error))
  mq.on('error', (error) => {
    if (!allowed.includes(error.code)) trouble.push(error)
  })
  return trouble
}

async function publish(messages: Iterable<RawMessage>): Promise<void> {
  const publisher = new RawPublisher(vhost.url)
  onTestFinished(() => publisher.close())
  let sent = 0
  for (const message of messages) {
    await publisher.send({ deliveryMode: 2, ...message })
    if (++sent % 1000 === 0) await publisher.settle()
  }
  expect(await publisher.settle()).toBe(true)
  expect(publisher.taken).toBe(sent)
}

function* toStreams(exchange: string, records: Iterable<HostileRecord>): Generator<RawMessage> {
  for (const { body, horizon } of records) yield { exchange, routingKey: horizon, body }
}

test('hostile cancellations drop no message that they do not name, and are counted', async () => {
  const mq = await open<LadderStrategy>(vhost.url, { logger: false })
  const trouble = troubleOf(mq)
  const good = await GoodMessages.on(mq)
  await good.schedule(GOOD, 1000)
  const cancelled = await good.schedule(GOOD, 20_000 + COUNT / 10)
  const hostileOnes = toStreams('dueque.v1.cancellations', hostile(hostiles.cancellations, COUNT, SEED))
  const outcomes = Promise.all(cancelled.map((receipt) => mq.cancel(receipt)))
  await publish(hostileOnes)
  expect(await outcomes).toEqual(cancelled.map(() => 'cancelled'))
  good.without(cancelled)
  await good.schedule(GOOD, 1000)
  // Reads all of them.
  const later = await open(vhost.url, { logger: false })
  await GoodMessages.on(later)
  for (const one of [mq, later]) {
    await poll(() => one.health().cancellations?.state === 'live', { timeoutMs: 60_000, what: 'every record read' })
    expect(one.health().cancellations?.unreadable).toBeGreaterThan(COUNT / 10)
  }
  await good.areHandled()
  expect(trouble).toEqual([])
})

test('hostile records of the journal hide no waiting message', async () => {
  const options = { logger: false, strategy: ladder({ journal: true }) } as const
  const namespace = unique('journal')
  const mq = await open(vhost.url, { ...options, namespace })
  const indexed = await open(vhost.url, { ...options, namespace, strategy: ladder({ journal: { index: true } }) })
  const trouble = [troubleOf(mq), troubleOf(indexed)]
  const good = new GoodMessages(mq)
  const waiting = new Set((await good.schedule(GOOD, 3_600_000)).map(({ id }) => id))
  // Declares the streams of cancellations.
  for (const receipt of await good.schedule(1, 3_600_000)) await mq.cancel(receipt)
  await publish(toStreams(`${namespace}.v1.journal`, hostile(hostiles.journalEntries('sink'), COUNT, SEED)))
  await publish(toStreams(`${namespace}.v1.cancellations`, hostile(hostiles.cancellations, COUNT, SEED)))
  for (const id of (await good.schedule(GOOD, 3_600_000)).map((receipt) => receipt.id)) waiting.add(id)
  for (const one of [mq, indexed]) {
    const listed = new Set<string>()
    for (let cursor: string | undefined, isOver = false; !isOver;) {
      const page = await one.list({ limit: 100, cursor })
      for (const { id } of page.messages) listed.add(id)
      cursor = page.cursor
      isOver = cursor === undefined
    }
    expect([...waiting].filter((id) => !listed.has(id))).toEqual([])
    expect(await one.count({})).toBeGreaterThanOrEqual(waiting.size)
    const [first] = waiting
    expect(await one.get(first!)).toMatchObject({ id: first })
  }
  expect(trouble).toEqual([[], []])
})

test('hostile batches are dead whole, or handled, and no good batch is lost', async () => {
  const mq = await open(vhost.url, { logger: false })
  const trouble = troubleOf(mq)
  const good = await GoodMessages.on(mq, { batches: true, prefetch: 100 })
  const { queue } = good
  const goodBatch = (from: number, dueAt: number) =>
    send(mq, batchOf(Array.from({ length: 10 }, (_, i) => noteItem(queue, from + i, dueAt))))
  await goodBatch(0, Date.now() + 500)
  function* bad(): Generator<RawMessage> {
    for (const { body, items } of hostile(hostiles.batches(queue), COUNT, SEED))
      yield { routingKey: batchQueue(queue), body, headers: fields([['dueque-items', itemsField(items)]]) }
  }
  await publish(bad())
  await goodBatch(10, Date.now() + 500)
  good.expect(Array.from({ length: 20 }, (_, n) => `${queue}-${n}`))
  const channel = await rawChannel(vhost.url)
  const isEmpty = async () => (await depth(channel, batchQueue(queue))) === 0
  // The last good ones are behind all others.
  await poll(isEmpty, { timeoutMs: 60_000 + COUNT * 5, what: 'no batch left', intervalMs: 500 })
  await good.areHandled()
  expect(await depth(channel, `${queue}.dead`)).toBeGreaterThan(COUNT / 10)
  expect(trouble).toEqual([])
})

function itemsField(items: unknown) {
  if (typeof items === 'string') return long('S', items)
  if (typeof items !== 'number') return fixed('V')
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(items))
  return fixed('l', ...bytes)
}

/** A schedule that is set before the hostile records, and one that is set after them, go on, and are listed. */
async function recurringGoesOn(
  namespace: string,
  options: () => ConnectOptions<Strategy>,
  attack: (queue: string) => Promise<unknown>,
): Promise<void> {
  const mq = await open(vhost.url, { ...options(), namespace, logger: false })
  const trouble = troubleOf(mq, ['STORED_MESSAGE_UNREADABLE'])
  const good = await GoodMessages.on(mq)
  const { recurring } = mq as Dueque & RecurringMethods
  const set = (id: string) => recurring.set(id, { ...good.note, to: { queue: good.queue }, every: '1s' })
  await set('good-1')
  await good.occurs('good-1', 3)
  await good.schedule(GOOD, 3000)
  await attack(good.queue)
  await good.schedule(GOOD, 1000)
  await set('good-2')
  await good.occurs('good-1', good.occurrences('good-1') + 5)
  await good.occurs('good-2', 5)
  await good.areHandled()
  const { stored } = mq.health()
  if (stored) expect(stored.unreadable).toBeGreaterThan(COUNT / 10)
  const ids: string[] = []
  for (let cursor: string | undefined, pages = 0; pages <= COUNT + 2; pages++) {
    const page = await recurring.list({ limit: 50, cursor })
    ids.push(...page.schedules.map(({ id }) => id))
    cursor = page.cursor
    if (cursor === undefined) break
  }
  expect(ids.filter((id) => id.startsWith('good-'))).toEqual(['good-1', 'good-2'])
  expect(new Set(ids).size).toBe(ids.length)
  // Another process takes over, and sends what may be missing.
  await mq.close({ drainTimeoutMs: 2000 })
  const next = await open(vhost.url, { ...options(), namespace, logger: false })
  const later = await GoodMessages.on(next, {}, good.queue)
  const repaired = () => next.health().recurring?.repairedAt !== undefined
  await poll(repaired, { timeoutMs: 60_000 + COUNT, what: 'a repair' })
  await later.occurs('good-1', 3)
  expect([...good.early, ...later.early]).toEqual([])
  expect(trouble).toEqual([])
}

test('hostile ticks and definitions stop no recurring message', async () => {
  const namespace = unique('ticks')
  await recurringGoesOn(
    namespace,
    () => ({ strategy: ladder() }),
    async (queue) => {
      await publish(toStreams(`${namespace}.v1.recurring`, hostile(hostiles.definitions(queue), COUNT, SEED)))
      function* bad(): Generator<RawMessage> {
        for (const body of hostile(hostiles.ticks, COUNT, SEED))
          yield { routingKey: TICKS.replace('dueque', namespace), body }
      }
      await publish(bad())
    },
  )
})

test('hostile keys of Redis stop no relay and no recurring message', async () => {
  const client = new Redis(store.url)
  onTestFinished(() => client.disconnect())
  const prefix = `${store.prefix}-hostile`
  const namespace = unique('redis')
  await recurringGoesOn(
    namespace,
    () => ({ strategy: redis({ client, prefix }) }),
    async (queue) => {
      await inRedis(client, prefix, queue)
    },
  )
})

async function inRedis(client: Redis, prefix: string, queue: string): Promise<void> {
  const key = (name: string) => `{${prefix}}:${name}`
  let pipeline = client.pipeline()
  let sent = 0
  const flush = async () => {
    if (++sent % 1000 > 0) return
    await pipeline.exec()
    pipeline = client.pipeline()
  }
  for (const { field, value, score } of hostile(hostiles.entries(queue), COUNT, SEED)) {
    pipeline.hset(key('messages'), field, value).zadd(key('waiting'), score, field)
    if (field.length > 14) pipeline.zadd(key('more'), 0, field)
    await flush()
  }
  for (const { id, revision, text } of hostile(hostiles.storedDefinitions(queue), COUNT, SEED)) {
    pipeline.hset(key('recurring'), id, `${revision}:${text}`).zadd(key('recurring:ids'), 0, id)
    await flush()
  }
  await pipeline.exec()
}

test('hostile rows of PostgreSQL stop no relay and no recurring message', async () => {
  const pool = new Pool({ connectionString: database.url })
  onTestFinished(() => pool.end())
  await recurringGoesOn(
    unique('postgres'),
    () => ({ strategy: postgres({ pool }) }),
    (queue) => inPostgres(pool, queue),
  )
})

async function inPostgres(pool: Pool, queue: string): Promise<void> {
  let batch: HostileRow[] = []
  const insert = async () => {
    const column = (of: (row: HostileRow) => unknown) => batch.map(of)
    await pool.query(
      `INSERT INTO dueque.messages (key, id, name, destination, due_at, ready_at, meta, body)
       SELECT key, 'hostile', 'x', 'queue:x', due_at, ready_at, meta, body
       FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[]) AS r (key, due_at, ready_at, meta, body)
       ON CONFLICT DO NOTHING`,
      [
        column(({ key }) => key),
        column(({ dueAt }) => dueAt),
        column(({ readyAt }) => readyAt),
        column(({ meta }) => meta),
        column(({ body }) => body),
      ],
    )
    batch = []
  }
  for (const row of hostile(hostiles.rows(queue), COUNT, SEED)) {
    batch.push(row)
    if (batch.length === 1000) await insert()
  }
  await insert()
  for (const { id, revision, text } of hostile(hostiles.storedDefinitions(queue), COUNT, SEED))
    await pool.query('INSERT INTO dueque.definitions VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      hostiles.storable(id),
      revision,
      hostiles.storable(text),
    ])
}
