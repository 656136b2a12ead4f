import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ladder, on, type Strategy } from '../../src/index.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { migratePostgres } from '../../src/strategies/postgres/migrate.js'
import { redis } from '../../src/strategies/redis/index.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { startChild, type Child } from '../support/child.js'
import { open, rawChannel } from '../support/mq.js'
import { depth } from '../support/parked.js'
import { usePostgres } from '../support/postgres.js'
import { TICKS } from '../support/recurring.js'
import { useRedis } from '../support/redis.js'
import { warmUp } from '../support/warm-up.js'
import type { ChildSettings, Step } from './recurring-child.js'

vi.setConfig({ testTimeout: 300_000 })

const STEPS: readonly Step[] = ['before the occurrence', 'behind the occurrence', 'before the ack', 'behind the ack']
/** Processes that set as many schedules at once. */
const [SETTING, SET] = [
  Number(process.env['DUEQUE_SET_PROCESSES'] ?? 3),
  Number(process.env['DUEQUE_SET_SCHEDULES'] ?? 10),
]
/** Occurrences that are counted, a multiple of 10. */
const COUNT = Number(process.env['DUEQUE_OCCURRENCES'] ?? 200)
const TIMES = 10
/** A tick schedules two occurrences, so that a ticker can end between them. */
const WINDOW_MS = 2000

type Store = NonNullable<ChildSettings['store']>

/** Schedules of one second in a namespace, a consumer that counts their occurrences, and processes that may run the ticker. */
async function world(url: string, store?: Store) {
  const queue = unique('occurrences')
  const mq = await open(url, { strategy: strategyOf(store) as ReturnType<typeof ladder>, recurring: false })
  const handled = new Map<string, number>()
  const count = on(note, ({ id }) => void handled.set(id, (handled.get(id) ?? 0) + 1))
  await mq.consume(queue, [count])
  const channel = await rawChannel(url)
  if (!store) await warmUp(mq, 10, 66_000)
  const children: Child[] = []
  const start = (crash?: ChildSettings['crash'], sets?: ChildSettings['sets']) => {
    const child = startChild(
      new URL('recurring-child.ts', import.meta.url),
      JSON.stringify({ url, windowMs: WINDOW_MS, crash, store, sets } satisfies ChildSettings),
    )
    children.push(child)
    return child
  }
  const ready = (child: Child) =>
    poll(() => child.lines.includes('ready'), { what: 'a process to be ready', timeoutMs: 60_000 })
  const content = { message: note, payload: { n: 1 }, to: { queue }, every: '1s', catchUp: 'all' } as const
  const twice = () => [...handled].filter(([, times]) => times > 1)
  return { mq, channel, handled, twice, start, ready, children, content }
}

function strategyOf(store: Store | undefined): Strategy {
  if (!store) return ladder()
  if (store.kind === 'redis') {
    const client = new Redis(store.url)
    onTestFinished(() => client.disconnect())
    return redis({ client, prefix: store.prefix })
  }
  const pool = new Pool({ connectionString: store.url })
  onTestFinished(() => pool.end())
  return postgres({ pool, schema: store.prefix })
}

/** The times of the ticks of a schedule that were sent from an instant on, by any process, in their order. */
function sentTicks(children: readonly Child[], id: string, from: number): number[] {
  const sent = children.flatMap(({ lines }) => lines.map((line) => line.split(' ') as [string, string?]))
  return sent
    .filter(([at, tick = '']) => tick.startsWith(`${id}@`) && Number(at) >= from)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, tick = '']) => Date.parse(tick.slice(id.length + 1, -'#tick'.length)))
}

/** That each schedule has one chain of ticks by now, behind the copies that a fault has left: two chains stay two. */
async function hasOneChain(children: readonly Child[], ids: readonly string[]): Promise<void> {
  const from = Date.now()
  const last = (id: string) => sentTicks(children, id, from).slice(-3)
  const chain = (id: string) => [0, 1, 2].map((n) => (last(id)[0] ?? 0) + n * WINDOW_MS)
  const isOne = (id: string) => isDeepStrictEqual(last(id), chain(id))
  await poll(() => ids.every(isOne), { what: 'one chain', timeoutMs: 60_000 }).catch(() => undefined)
  for (const id of ids) expect(last(id), id).toEqual(chain(id))
}

/** Two processes, of which one after the other kills itself at each step of its work. */
async function atEachStep(
  url: string,
  { rounds, count = COUNT, store }: { rounds: number; count?: number; store?: Store },
) {
  const { mq, handled, twice, start, ready, children, content } = await world(url, store)
  // Declares what there is to declare.
  await mq.recurring.set(unique('first'), { ...content, limit: 1 })
  // Every schedule is set by then. Later the first times are missed, because processes start.
  const from = new Date(Date.now() + 5000 + (store ? 1000 : 200) * (count / TIMES))
  const ids = Array.from({ length: count / TIMES }, (_, n) => unique(`s${n}`))
  const endless = ['e1', 'e2', 'e3'].map(unique)
  const set = (id: string, limit?: number) => mq.recurring.set(id, { ...content, from, limit })
  await Promise.all([...ids.map((id) => set(id, TIMES)), ...endless.map((id) => set(id))])
  expect(Date.now(), 'set too late').toBeLessThan(from.getTime())
  const crashes = Array.from({ length: rounds }, () =>
    STEPS.map((step) => ({ step, turn: 1 + Math.floor(Math.random() * 10) })),
  )
  const left = crashes.flat()
  const lane = async () => {
    for (let crash = left.shift(); crash; crash = left.shift()) {
      const child = start(crash)
      await poll(() => child.process.signalCode, { what: `a crash ${crash.step}`, timeoutMs: 120_000 })
    }
  }
  await Promise.all([lane(), lane()])
  // One that stays would keep the last of those that crash from ever being the active one.
  await Promise.all([ready(start()), ready(start())])
  const expected = ids.flatMap((id) =>
    Array.from({ length: TIMES }, (_, n) => `${id}@${new Date(from.getTime() + n * 1000).toISOString()}`),
  )
  const missing = () => expected.filter((id) => !handled.has(id))
  await poll(() => missing().length === 0, { what: 'all occurrences', timeoutMs: 90_000 }).catch(() => undefined)
  expect(missing()).toEqual([])
  await hasOneChain(children, endless)
  expect(twice()).toEqual([])
  const others = [...handled.keys()].filter((id) => ids.some((one) => id.startsWith(`${one}@`)))
  expect(others.sort()).toEqual(expected.sort())
}

const vhosts = [useVhost(), useVhost(), useVhost(), useVhost()]
const setting = [useVhost(), useVhost(), useVhost()]
const server = useRedis()
const database = usePostgres()

test('a ticker that is killed at each step of its work loses no occurrence, doubles none, and neither forks nor ends a chain', async () => {
  await atEachStep(vhosts[0]!.url, { rounds: Math.ceil(COUNT / 100) })
})

test('nor does it with redis and postgres', async () => {
  const stores = await storesOf('steps')
  await Promise.all(stores.map((store, n) => atEachStep(vhosts[n + 1]!.url, { rounds: 1, count: 100, store })))
})

test('processes that set the same schedules at once make one chain of each', async () => {
  const stores = [undefined, ...(await storesOf('at_once'))]
  await Promise.all(stores.map((store, n) => setAtOnce(setting[n]!.url, store)))
})

/** Both stores, for one test. */
async function storesOf(schema: string): Promise<Store[]> {
  const pool = new Pool({ connectionString: database.url })
  await migratePostgres({ pool, schema }).finally(() => pool.end())
  return [
    { kind: 'redis', url: server.url, prefix: `${server.prefix}:${schema}` },
    { kind: 'postgres', url: database.url, prefix: schema },
  ]
}

async function setAtOnce(url: string, store?: Store): Promise<void> {
  const { mq, handled, twice, start, ready, children, content } = await world(url, store)
  const { queue } = content.to
  const ids = Array.from({ length: SET }, () => unique('x'))
  const first = { ...content, limit: 1 }
  // Declares what there is to declare.
  await mq.recurring.set(unique('first'), first)
  const from = Date.now() + 15_000 + 5000 * SETTING
  const setters = Array.from({ length: SETTING }, () => start(undefined, { ids, queue, from }))
  await Promise.all(setters.map(ready))
  for (const { process } of setters) process.kill('SIGUSR2')
  const isSet = (child: Child) => child.lines.includes('set')
  await poll(() => setters.every(isSet), { what: 'the schedules to be set', timeoutMs: 60_000, intervalMs: 50 })
  // An occurrence of a definition that is replaced within its last second is too late to be cancelled.
  expect(Date.now(), 'set too late').toBeLessThan(from - 1000)
  await hasOneChain(children, ids)
  const isHandled = (id: string) => handled.has(`${id}@${new Date(from + 2000).toISOString()}`)
  await poll(() => ids.every(isHandled), { what: 'the first occurrences', timeoutMs: 60_000, intervalMs: 50 })
  expect(twice()).toEqual([])
  for (const id of ids) {
    const times = [...handled.keys()]
      .filter((one) => one.startsWith(`${id}@`))
      .map((one) => Date.parse(one.slice(id.length + 1)))
    times.sort((x, y) => x - y)
    expect(times, id).toEqual(times.map((_, n) => times[0]! + n * 1000))
  }
  await Promise.all(children.map((child) => child.kill()))
  await mq.close({ drainTimeoutMs: 2000 })
}

test('another ticker takes over from one that is killed, and from one that freezes and comes back; a purge meanwhile is repaired', async () => {
  const { mq, channel, handled, twice, start, ready, children, content } = await world(vhosts[3]!.url)
  const ids = Array.from({ length: 5 }, (_, n) => unique(`t${n}`))
  await Promise.all(ids.map((id) => mq.recurring.set(id, content)))
  const hasSent = (child: Child, from = 0) => ids.some((id) => sentTicks([child], id, from).length > 0)
  /** How long it takes until this one sends a tick. */
  const takesOver = async (child: Child, since: number) => {
    await poll(() => hasSent(child, since), { what: 'another ticker', timeoutMs: 60_000, intervalMs: 10 })
    return Date.now() - since
  }
  const [a, b] = [start(), start()]
  await Promise.all([ready(a), ready(b)])
  await poll(() => hasSent(a) || hasSent(b), { what: 'a ticker', timeoutMs: 30_000 })
  const [active, standby] = hasSent(a) ? [a, b] : [b, a]
  await pause(2000)
  const killedAt = Date.now()
  await active.kill()
  const afterKillMs = await takesOver(standby, killedAt)

  const c = start()
  await ready(c)
  const frozenAt = Date.now()
  standby.process.kill('SIGSTOP')
  const afterFreezeMs = await takesOver(c, frozenAt)
  console.info({ afterKillMs, afterFreezeMs })
  expect(afterKillMs).toBeLessThan(5000)
  standby.process.kill('SIGCONT')
  await hasOneChain(children, ids)

  await Promise.all([standby.kill(), c.kill()])
  await poll(async () => (await depth(channel, TICKS)) > ids.length, {
    what: 'ticks and a bookmark',
    timeoutMs: 30_000,
  })
  const last = ids.map((id) => Math.max(...sentTicks(children, id, 0)))
  await channel.purgeQueue(TICKS)
  const d = start()
  const goesOn = () => ids.every((id, n) => Math.max(...sentTicks([d], id, 0)) > last[n]!)
  await poll(goesOn, { what: 'the chains to go on', timeoutMs: 60_000 })
  await hasOneChain([d], ids)

  expect(twice()).toEqual([])
  for (const id of ids) {
    const times = [...handled.keys()]
      .filter((one) => one.startsWith(`${id}@`))
      .map((one) => Date.parse(one.slice(id.length + 1)))
    times.sort((x, y) => x - y)
    expect(times, id).toEqual(times.map((_, n) => times[0]! + n * 1000))
    expect(times.at(-1)!, id).toBeGreaterThan(Date.now() - 5000)
  }
})
