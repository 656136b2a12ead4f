// recurring-child.ts SETTINGS: a process that runs a ticker of a namespace. It prints `ready`, and then a line for each tick
// that it has sent: the time in milliseconds and the id. At one step of its work it kills itself with -9. It may set schedules.
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { connect, ladder, type Strategy } from '../../src/index.js'
import { startTicker } from '../../src/recurring/ticker-process.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { note } from '../strategies/recorder.js'

export type Step = 'before the occurrence' | 'behind the occurrence' | 'before the ack' | 'behind the ack'

export interface ChildSettings {
  readonly url: string
  /** The times of one window are those of one tick. */
  readonly windowMs: number
  /** Where it ends, and at which time that it comes there. */
  readonly crash?: { readonly step: Step; readonly turn: number } | undefined
  /** With the prefix of its keys, or its schema. @default the ladder */
  readonly store?: { readonly kind: 'redis' | 'postgres'; readonly url: string; readonly prefix: string } | undefined
  /** Schedules of each second from a later instant on. It sets them all at once, when it gets SIGUSR2. */
  readonly sets?: { readonly ids: readonly string[]; readonly queue: string; readonly from: number } | undefined
}

const { url, windowMs, crash, store, sets } = JSON.parse(process.argv[2]!) as ChildSettings
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
const options = { url, topology, logger: false, heartbeatSeconds: 2 } as const
await startTicker({ ...options, strategy: crashing(chosen()) }, () => undefined, { windowMs })
const mq = sets && (await connect({ ...options, strategy: chosen() as ReturnType<typeof ladder>, recurring: false }))
const go = once(process, 'SIGUSR2')
console.log('ready')
if (mq) {
  await go
  const { ids, queue, from } = sets
  const times = { every: '1s', from: new Date(from), catchUp: 'all' } as const
  const content = { message: note, payload: { n: 1 }, to: { queue }, ...times }
  await Promise.all(ids.map((id) => mq.recurring.set(id, content)))
  console.log('set')
}
