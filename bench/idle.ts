import { connect, type Dueque, type StrategyMethods, type Strategy, type Waitlist } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import type { Broker } from './broker.js'
import { BODY_BYTES, payloadItems, scheduleEvery } from './load.js'
import { MIB } from './numbers.js'
import type { Options } from './options.js'
import type { Result } from './report.js'
import { strategyOf } from './strategy.js'

const QUEUE = 'bench.idle'
const DAY_MS = 86_400_000
const LOOKS = 20

/** The cost of many long-waiting messages for a store, and the work of their relay meanwhile. */
export async function idle(broker: Broker, options: Options): Promise<Result> {
  const { count = 1_000_000, seconds = 30, inFlight = 2000 } = options
  const { strategy, settings, store, close } = await strategyOf(options)
  if (!store) throw new Error('idle is about a store: --strategy redis or postgres')
  const mq = await connect({ url: broker.url, maxInFlight: inFlight, strategy })
  const to = { queue: QUEUE }
  await scheduleEvery(
    mq,
    payloadItems(1, () => ({ to, in: '1h', declare: true })),
  )
  const empty = await store.sample()
  const startedAt = performance.now()
  const at = Date.now() + DAY_MS
  let scheduled = 0
  await scheduleEvery(
    mq,
    payloadItems(count, (n) => ({ to, at: new Date(at + n * 10) })),
    () => {
      if (++scheduled % 100_000 === 0) say(`  ${scheduled} wait`)
    },
  )
  const rate = (count / (performance.now() - startedAt)) * 1000
  const full = await store.sample()
  const looks = await timed(mq as Listed, at)
  await sleep(2000)
  const [cpu, before] = [process.cpuUsage(), await store.sample()]
  await sleep(seconds * 1000)
  const { user, system } = process.cpuUsage(cpu)
  const after = await store.sample()
  await mq.close()
  await close()
  return {
    settings: { count, bodyBytes: BODY_BYTES, seconds, inFlight, ...settings },
    rows: [
      {
        waiting: count,
        'scheduled/s': rate,
        'bytes a message': (full.bytes - empty.bytes) / count,
        'store MiB': full.bytes / MIB,
        'CPU %': (user + system) / seconds / 10_000,
        // One query is that of the sample itself.
        'commands/min': ((after.commands - before.commands - 1) / seconds) * 60,
        ...looks,
      },
    ],
    notes: ['CPU of the process that relays. Commands count what scripts call. The last columns: one call, in ms.'],
  }
}

type Listed = Dueque & StrategyMethods<Strategy & { waitlist: Waitlist }>

/** The time of an operator's queries while all messages wait. */
async function timed(mq: Listed, at: number): Promise<Record<string, number>> {
  const from = new Date(at + 1000)
  const time = async (work: () => Promise<unknown>, times = LOOKS) => {
    const before = performance.now()
    for (let i = 0; i < times; i++) await work()
    return (performance.now() - before) / times
  }
  const { cursor } = await mq.list({ due: { from }, limit: 100 })
  return {
    'count ms': await time(() => mq.count({ due: { from } })),
    'page of 100 ms': await time(() => mq.list({ cursor, limit: 100 })),
    'get ms': await time(() => mq.get('no such id')),
    'count by name ms': await time(() => mq.count({ name: 'no such name' }), 1),
  }
}
