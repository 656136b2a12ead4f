// recurring-child.ts SETTINGS: a process that may run the ticker of a namespace. It prints `ready`, and then a line for each tick
// that it has sent: the time in milliseconds and the id. At one step of its work it kills itself with -9. It may set schedules.
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { connect, ladder, onAny, type Strategy } from '../../src/index.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { note } from '../strategies/recorder.js'

export type Step = 'before the occurrence' | 'behind the occurrence' | 'before the ack' | 'behind the ack'

export interface ChildSettings {
  readonly url: string
  /** The queue that it consumes, in which nothing is. */
  readonly idle: string
  /** Where it ends, and at which time that it comes there. */
  readonly crash?: { readonly step: Step; readonly turn: number } | undefined
  /** With the prefix of its keys, or its schema. @default the ladder */
  readonly store?: { readonly kind: 'redis' | 'postgres'; readonly url: string; readonly prefix: string } | undefined
  /** Schedules of each second from a later instant on, which it sets at an instant, all at once. */
  readonly sets?:
    { readonly ids: readonly string[]; readonly queue: string; readonly at: number; readonly from: number } | undefined
}

const { url, idle, crash, store, sets } = JSON.parse(process.argv[2]!) as ChildSettings
let turns = 0

function pass(step: Step): boolean {
  return step === crash?.step && ++turns === crash.turn
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

function chosen(): Strategy {
  if (store?.kind === 'redis') return redis({ client: new Redis(store.url), prefix: store.prefix })
  if (store?.kind === 'postgres')
    return postgres({ pool: new Pool({ connectionString: store.url, max: 6 }), schema: store.prefix })
  return ladder()
}

function crashing(strategy: Strategy): Strategy {
  return {
    ...strategy,
    async schedule(message, options) {
      const isTick = message.name === 'dueque.tick'
      if (!isTick && pass('before the occurrence')) die()
      const instead = await strategy.schedule(message, options)
      if (isTick) console.log(Date.now(), message.id)
      if (pass(isTick ? 'before the ack' : 'behind the occurrence')) die()
      // An ack waits a little for others.
      if (isTick && pass('behind the ack')) setTimeout(die, 10)
      return instead
    },
  }
}

// What it needs is declared, but for a store.
const topology = store ? 'declare' : 'trust'
const strategy = crashing(chosen()) as ReturnType<typeof ladder>
const mq = await connect({ url, strategy, topology, logger: false, heartbeatSeconds: 2 })
await mq.consume(idle, [onAny(() => undefined)], { cancellations: 'off', declare: false })
console.log('ready')
if (sets) {
  const { ids, queue, at, from } = sets
  await pause(at - Date.now())
  const times = { every: '1s', from: new Date(from), catchUp: 'all' } as const
  const content = { message: note, payload: { n: 1 }, to: { queue }, ...times }
  await Promise.all(ids.map((id) => mq.recurring.set(id, content)))
  console.log('set')
}
