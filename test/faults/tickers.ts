import { isDeepStrictEqual } from 'node:util'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { expect, onTestFinished } from 'vitest'
import { ladder, on, type Strategy } from '../../src/index.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { note, unique } from '../strategies/recorder.js'
import { poll } from '../support/broker.js'
import { startChild, type Child } from '../support/child.js'
import { open, rawChannel } from '../support/mq.js'
import { warmUp } from '../support/warm-up.js'
import type { ChildSettings, Step } from './recurring-child.js'

const STEPS: readonly Step[] = ['before the occurrence', 'behind the occurrence', 'before the ack', 'behind the ack']
/** Processes that set as many schedules at once. */
const [SETTING, SET] = [
  Number(process.env['DUEQUE_SET_PROCESSES'] ?? 3),
  Number(process.env['DUEQUE_SET_SCHEDULES'] ?? 10),
]
/** Occurrences that are counted, a multiple of 10. */
export const COUNT = Number(process.env['DUEQUE_OCCURRENCES'] ?? 200)
const TIMES = 10
/** A tick schedules two occurrences, so that a ticker can end between them. */
const WINDOW_MS = 2000

export type Store = NonNullable<ChildSettings['store']>

/** Schedules of one second in a namespace, a consumer that counts their occurrences, and processes that may run the ticker. */
export async function world(url: string, store?: Store) {
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
export function sentTicks(children: readonly Child[], id: string, from: number): number[] {
  const sent = children.flatMap(({ lines }) => lines.map((line) => line.split(' ') as [string, string?]))
  return sent
    .filter(([at, tick = '']) => tick.startsWith(`${id}@`) && Number(at) >= from)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, tick = '']) => Date.parse(tick.slice(id.length + 1, -'#tick'.length)))
}

/** That each schedule has one chain of ticks by now, behind the copies that a fault has left: two chains stay two. */
export async function hasOneChain(children: readonly Child[], ids: readonly string[]): Promise<void> {
  const from = Date.now()
  const last = (id: string) => sentTicks(children, id, from).slice(-3)
  const chain = (id: string) => [0, 1, 2].map((n) => (last(id)[0] ?? 0) + n * WINDOW_MS)
  const isOne = (id: string) => isDeepStrictEqual(last(id), chain(id))
  await poll(() => ids.every(isOne), { what: 'one chain', timeoutMs: 60_000 }).catch(() => undefined)
  for (const id of ids) expect(last(id), id).toEqual(chain(id))
}

/** Two processes, of which one after the other kills itself at each step of its work. */
export async function atEachStep(
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

/** Processes that set the same schedules at once. */
export async function setAtOnce(url: string, store?: Store): Promise<void> {
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
