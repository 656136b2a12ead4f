import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { connect, ladder, type ConnectOptions, type RecurringOptions, type Strategy } from '../../../src/index.js'
import { postgres } from '../../../src/strategies/postgres/index.js'
import { redis } from '../../../src/strategies/redis/index.js'
import { poll, useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { useRedis } from '../../support/redis.js'
import { useRedisClient } from '../../strategies/redis-client.js'
import { unique } from '../../strategies/recorder.js'
import { beat, OccurrenceLog, type Beat, type WithRecurring } from './occurrence-log.js'

vi.setConfig({ testTimeout: 180_000 })

const vhost = useVhost()
const server = useRedis()
const client = useRedisClient(server)
const database = usePostgres()
let pool: Pool

beforeAll(() => {
  pool = new Pool({ connectionString: database.url, max: 40 })
  pool.setMaxListeners(50)
  // Each connection of a strategy listens to clients that others use as well.
  pool.on('connect', (one) => one.setMaxListeners(50))
})
afterAll(() => pool.end())

/** How many times ten connections set one schedule at once. */
const ROUNDS = Number(process.env['DUEQUE_SET_ROUNDS'] ?? 20)
/** A cancellation in RabbitMQ is in time a second before, by the clock of a machine that may be busy. */
const MARGIN_MS = 1500

const STRATEGIES: Record<string, () => Strategy> = {
  ladder,
  redis: () => redis({ client: client(), prefix: server.prefix }),
  postgres: () => postgres({ pool }),
}

describe.concurrent.each(Object.entries(STRATEGIES))('with %s', (name, strategy) => {
  const every = (
    queue: string,
    kind: string,
    more: Partial<RecurringOptions> = {},
  ): RecurringOptions<{ kind: string }> =>
    ({ message: beat, payload: { kind }, to: { queue }, every: '1s', catchUp: 'all', declare: true, ...more }) as never

  const opened: WithRecurring[] = []
  /**
   * A namespace of its own for each strategy: they share a vhost. The first schedule declares what there is to declare, which takes
   * seconds on a busy machine. Without the queue of ticks, a consuming process would look for it every 30 s.
   */
  const open = async (options: ConnectOptions = {}) => {
    const mq = (await connect({ url: vhost.url, strategy: strategy(), namespace: name, ...options })) as WithRecurring
    opened.push(mq)
    await mq.recurring.set(unique('first'), every('first', 'x', { limit: 1 }))
    return mq
  }
  afterAll(() => Promise.all(opened.map((mq) => mq.close())))

  test.concurrent('each time of a schedule is handled once, at or after it', async () => {
    const [queue, id] = [unique('times'), unique('schedule')]
    const mq = await open()
    const log = await OccurrenceLog.on(mq, queue)
    const from = new Date(Date.now() + 8000)
    const set = await mq.recurring.set(id, every(queue, 'one', { from, limit: 5, note: 'five' }))
    expect(set).toMatchObject({
      id,
      name: 'test.beat',
      payload: { kind: 'one' },
      everyMs: 1000,
      limit: 5,
      changed: true,
    })
    expect(await mq.recurring.set(id, every(queue, 'one', { from, limit: 5, note: 'five' }))).toMatchObject({
      changed: false,
      revision: set.revision,
    })
    const first = from.getTime()
    await log.through(id, first + 4000)
    expect(log.of(id).map(({ time }) => time - first)).toEqual([0, 1000, 2000, 3000, 4000])
    expect(log.of(id).filter(({ time, handledAt }) => handledAt < time)).toEqual([])
    expect(log.of(id).map((one) => one.id)).toEqual(
      log.of(id).map(({ time }) => `${id}@${new Date(time).toISOString()}`),
    )
    expect((await mq.recurring.get(id))?.nextAt).toBeUndefined()
    expect(await mq.recurring.next(id)).toEqual([])
  })

  test.concurrent('a changed, paused, resumed, removed and new schedule has the times of its definition', async () => {
    const [queue, id] = [unique('changes'), unique('schedule')]
    const mq = await open()
    const log = await OccurrenceLog.on(mq, queue)
    const { recurring } = await open()
    const changes: Change[] = []
    /** Lets the schedule run for a while before each change. */
    const change = async (kind: string | undefined, make: () => Promise<unknown>) => {
      const from = Date.now()
      await make()
      const to = Date.now() + MARGIN_MS
      const until = to + MARGIN_MS
      if (kind !== undefined) await log.through(id, until)
      else await poll(() => Date.now() > until, { timeoutMs: 60_000, what: 'a pause' })
      changes.push({ kind, from, to, through: kind === undefined ? Infinity : log.of(id).at(-1)!.time })
    }
    await change('a', () => recurring.set(id, every(queue, 'a')))
    await change('b', () => recurring.set(id, every(queue, 'b')))
    await change(undefined, async () => expect(await recurring.pause(id)).toBe(true))
    await change('b', async () => expect(await recurring.resume(id)).toBe(true))
    await change('c', async () => {
      expect(await recurring.remove(id)).toBe(true)
      await recurring.set(id, every(queue, 'c'))
    })
    await change(undefined, async () => expect(await recurring.remove(id)).toBe(true))
    expect([await recurring.remove(id), await recurring.pause(id), await recurring.get(id)]).toEqual([
      false,
      false,
      undefined,
    ])
    assertChanges(log.of(id), changes)
  })

  test.concurrent('ten connections that set one schedule at once make one chain of it', async () => {
    const queue = unique('at-once')
    const connections = await Promise.all(Array.from({ length: 10 }, () => open()))
    const log = await OccurrenceLog.on(connections[0]!, queue)
    const ids = Array.from({ length: ROUNDS }, () => unique('schedule'))
    const from = new Date(Date.now() + 10_000)
    const setBy = (mq: WithRecurring) =>
      Promise.all(ids.map((id) => mq.recurring.set(id, every(queue, 'x', { from, every: '2s', limit: 3 }))))
    const answers = await Promise.all(connections.map(setBy))
    for (const [i, id] of ids.entries()) {
      const present = await connections[1]!.recurring.get(id)
      expect(Math.max(...answers.map((answer) => answer[i]!.revision))).toBe(present!.revision)
      await log.through(id, from.getTime() + 4000)
      expect(log.of(id).map(({ time }) => time - from.getTime())).toEqual([0, 2000, 4000])
    }
  })

  test.concurrent('an occurrence is triggered, and past times are filled in', async () => {
    const [queue, id] = [unique('now'), unique('schedule')]
    const mq = await open()
    const log = await OccurrenceLog.on(mq, queue)
    await mq.recurring.set(id, { ...every(queue, 'x'), every: undefined, cron: '0 * * * *', paused: true } as never)
    const receipt = await mq.recurring.trigger(id)
    expect(receipt.id).toBe(`${id}@${receipt.dueAt}`)
    const summary = await mq.recurring.backfill(id, { from: '2026-01-01T00:00:00Z', to: '2026-01-01T03:00:00Z' })
    expect(summary).toEqual({ scheduled: 3, failed: 0, failures: [] })
    await poll(() => log.of(id).length === 4, { timeoutMs: 30_000, what: 'four occurrences' })
    expect(log.of(id).map((one) => [new Date(one.time).toISOString(), one.backfilled])).toEqual([
      ['2026-01-01T00:00:00.000Z', true],
      ['2026-01-01T01:00:00.000Z', true],
      ['2026-01-01T02:00:00.000Z', true],
      [receipt.dueAt, false],
    ])
  })

  test.concurrent('many schedules are set, and a missing queue fails its own', async () => {
    const [queue, prefix] = [unique('many'), unique('many')]
    // Their ticks wait for up to a day: all rungs for that are declared first.
    const mq = await open({ publishTimeoutMs: 120_000 })
    await mq.recurring.set(`${prefix}/first`, { ...every(queue, 'x'), paused: true })
    const item = (n: number) => ({
      id: `${prefix}/${String(n).padStart(3, '0')}`,
      ...{ message: beat, payload: { kind: 'x' }, cron: '0 9 * * *', tz: 'Europe/Berlin' },
      to: { queue: n === 7 ? unique('none') : queue },
    })
    const items = Array.from({ length: 100 }, (_, n) => item(n))
    const { failures, ...counts } = await mq.recurring.setAll(items)
    expect(failures.map(({ index, error }) => [index, error.code, error.outcome])).toEqual([
      [7, 'DESTINATION_MISSING', 'refused'],
    ])
    expect(counts).toEqual({ changed: 99, unchanged: 0, failed: 1 })
    expect(await mq.recurring.setAll(items.slice(8))).toMatchObject({ changed: 0, unchanged: 92, failed: 0 })
    const other = await open()
    const { schedules, cursor } = await other.recurring.list({ idPrefix: `${prefix}/`, limit: 60 })
    const rest = await other.recurring.list({ idPrefix: `${prefix}/`, limit: 60, cursor })
    const ids = [...schedules, ...rest.schedules].map((one) => one.id)
    expect(ids).toEqual([...items.filter((_, n) => n !== 7).map((one) => one.id), `${prefix}/first`])
    expect(rest.cursor).toBeUndefined()
  })
})

/** What a schedule sends from some instant of a call that changes it on. */
interface Change {
  /** Of the payload; undefined if nothing is sent. */
  readonly kind: string | undefined
  readonly from: number
  /** From then on, nothing of before is sent. */
  readonly to: number
  /** The last time that was handled before the next change. A ticker that is late drops the ticks of later ones at that. */
  readonly through: number
}

/** Each time is handled once, as its definition says; during a change either definition counts. */
function assertChanges(beats: readonly Beat[], changes: readonly Change[]): void {
  const end = changes.at(-1)!.from
  for (let time = Math.ceil(beats[0]!.time); time < end; time += 1000) {
    const kinds = beats.filter((one) => one.time === time).map((one) => one.kind)
    const at = changes.findLastIndex(({ from }) => from < time)
    const { kind, to, through } = changes[at]!
    if (time > to && time <= through) expect([time, kinds]).toEqual([time, kind === undefined ? [] : [kind]])
    else expect(kinds.length, `times at once: ${time}`).toBeLessThanOrEqual(2)
  }
  expect(beats.filter(({ time }) => time > changes.at(-1)!.to)).toEqual([])
  expect(beats.filter(({ time, handledAt }) => handledAt < time)).toEqual([])
}
