import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { below } from '../../bench/soak/random.js'
import { dashboard } from '../../src/dashboard/index.js'
import { connect, ladder, on, startGate, type ConnectOptions, type Dueque, type Strategy } from '../../src/index.js'
import { startTicker } from '../../src/recurring/ticker-process.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { note, unique } from '../strategies/recorder.js'
import { TICKS } from '../support/recurring.js'
import type { FaultyLane } from './start-stop-faults.js'

/** One that was started, or is about to. */
export interface Stopped {
  readonly started: Promise<unknown>
  /** What goes on meanwhile. */
  work?: () => Promise<unknown>
  /** Stops what has started, or starts meanwhile. Idempotent. */
  readonly stop: () => Promise<unknown>
  weak?: WeakRef<object>
}

export interface Prepared {
  readonly start: (how: { random: () => number; signal: AbortSignal }) => Stopped
  /** The time that a start and a stop may take. */
  readonly startMs: number
  readonly stopMs: number
  readonly close?: () => Promise<unknown>
}

type Subject = (lane: FaultyLane, number: number) => Promise<Prepared>

/** For the closing handshakes with a silent broker, and a busy machine. */
const SLACK_MS = 8000
const TIMES = { connectTimeoutMs: 2000, publishTimeoutMs: 2000, heartbeatSeconds: 1 }
/** A connect, the start of its strategy, and the end if that fails. */
const CONNECT_MS = TIMES.connectTimeoutMs + TIMES.publishTimeoutMs + SLACK_MS
const DRAIN_MS = 1000
/** Whoever takes messages waits until every cancellation is read, or could not be for 30 s. Before that, reconnects. */
const START_MS = 60_000
/** A connection that stays has time to declare, on a busy machine too. */
const STAYING_MS = 20_000

export const SUBJECTS = {
  connection: (lane) => {
    const queue = unique('connection')
    return Promise.resolve(connecting(lane, queue, ({ random }) => ladder({ journal: below(2, random) === 0 })))
  },
  redis: (lane, number) => {
    const client = new Redis(lane.store!.url(), {
      maxRetriesPerRequest: 1,
      retryStrategy: () => 50,
      connectTimeout: 1000,
    })
    client.on('error', () => undefined)
    const prefix = `${lane.settings.prefix}-${number}`
    const own = redis({ client, prefix, timeoutMs: 3000 })
    // One strategy again and again, and new ones.
    const strategy = ({ random }: How) => (below(2, random) === 0 ? own : redis({ client, prefix, timeoutMs: 1000 }))
    const prepared = connecting(lane, unique('redis'), strategy)
    return Promise.resolve({ ...prepared, close: () => Promise.resolve(client.disconnect()) })
  },
  postgres: async (lane) => {
    const pool = new Pool({
      connectionString: lane.store!.url(),
      idleTimeoutMillis: 200,
      connectionTimeoutMillis: 1000,
    })
    // Idle connections of a pool that nobody uses may be lost as well.
    pool.on('error', () => undefined)
    const own = postgres({ pool, timeoutMs: 3000 })
    const strategy = ({ random }: How) => (below(2, random) === 0 ? own : postgres({ pool, timeoutMs: 1000 }))
    const prepared = connecting(lane, unique('postgres'), strategy)
    return Promise.resolve({ ...prepared, close: () => pool.end() })
  },
  consumer,
  ticker,
  gate,
  dashboard: dashboards,
} satisfies Record<string, Subject>

type How = Parameters<Prepared['start']>[0]

/** Connects, consumes and schedules. */
function connecting(lane: FaultyLane, queue: string, strategyOf: (how: How) => Strategy): Prepared {
  lane.victims.queues.push(queue)
  // In a virtual host of its own.
  if (lane.settings.management !== undefined) lane.victims.exchanges.push('dueque.v1.deliver')
  return {
    startMs: CONNECT_MS + 3000,
    stopMs: DRAIN_MS + SLACK_MS,
    start(how) {
      const { signal } = how
      const options = { ...TIMES, url: lane.url, logger: false, signal, waitMs: 1000 * below(2, how.random) }
      const connected = connect({ ...options, strategy: strategyOf(how) } as ConnectOptions)
      const running: Stopped = {
        started: connected.then((mq) => void (running.weak = new WeakRef(mq))),
        work: async () => {
          const mq = await connected.catch(() => undefined)
          if (mq) await busy(mq, queue, how.random)
        },
        stop: () =>
          connected.then(
            (mq) => mq.close({ drainTimeoutMs: DRAIN_MS }),
            () => undefined,
          ),
      }
      return running
    },
  }
}

/** Ends when `mq` does, however its work ends. */
async function busy(mq: Dueque, queue: string, random: () => number): Promise<void> {
  const handler = on(note, ({ attempt }) => {
    if (attempt < 2 && random() < 0.5) throw new Error('once more')
  })
  const consuming = mq.consume(queue, [handler], { retry: { attempts: 3, backoff: 500 } })
  await Promise.allSettled([consuming, ...scheduling(mq, queue, random)])
}

function scheduling(mq: Dueque, queue: string, random: () => number): Promise<unknown>[] {
  const delays = Array.from({ length: 5 }, () => below(2000, random))
  return delays.map((delay, n) => mq.schedule(note, { n }, { to: { queue }, in: delay, declare: true }))
}

/** A connection that stays open for the whole run. */
async function staying(lane: FaultyLane, options: Partial<ConnectOptions> = {}): Promise<Dueque> {
  const own = {
    url: lane.url,
    logger: false,
    waitMs: 10_000,
    publishTimeoutMs: STAYING_MS,
    heartbeatSeconds: 1,
  } as const
  return connect({ ...own, strategy: ladder({ lead: 2000 }), ...options })
}

async function consumer(lane: FaultyLane): Promise<Prepared> {
  const mq = await staying(lane)
  const queue = unique('consumer')
  lane.victims.queues.push(queue)
  return {
    // As long as the broker is away: faults and reconnects.
    startMs: lane.settings.longestMs + START_MS,
    stopMs: DRAIN_MS + SLACK_MS,
    close: () => mq.close({ drainTimeoutMs: DRAIN_MS }),
    start({ random }) {
      const handlers = [() => undefined, throwing, until]
      const handle = handlers[below(handlers.length, random)]!
      const starting = mq.consume(queue, [on(note, handle)], { retry: { attempts: 3, backoff: 1000 }, concurrency: 2 })
      const running: Stopped = {
        started: starting.then((one) => void (running.weak = new WeakRef(one))),
        work: () => Promise.allSettled(scheduling(mq, queue, random)),
        stop: async () => {
          const one = await starting.catch(() => undefined)
          if (below(4, random) === 0) void one?.pause().catch(() => undefined)
          await one?.close({ drainTimeoutMs: DRAIN_MS })
        },
      }
      return running
    },
  }
}

function throwing(): never {
  throw new Error('once more')
}

/** Runs until the consumer has no more time. */
function until({ signal }: { signal: AbortSignal }): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', resolve))
}

async function ticker(lane: FaultyLane, number: number): Promise<Prepared> {
  // A consumer that holds an occurrence each second, for a minute after the last ticker, would be no rest.
  const mq = await staying(lane, { recurring: false, strategy: ladder() })
  const queue = unique('ticked')
  const { recurring } = mq as unknown as { recurring: { set: (id: string, what: object) => Promise<unknown> } }
  await mq.consume(queue, [on(note, () => undefined)])
  await recurring.set(`every-second-${number}`, { message: note, payload: { n: 0 }, to: { queue }, every: '1s' })
  lane.victims.queues.push(TICKS)
  return {
    startMs: lane.settings.longestMs + START_MS,
    stopMs: TIMES.publishTimeoutMs + 3000 + SLACK_MS,
    close: () => mq.close({ drainTimeoutMs: DRAIN_MS }),
    start: () => stoppable(startTicker({ ...TIMES, url: lane.url, logger: false }, () => undefined)),
  }
}

async function gate(lane: FaultyLane): Promise<Prepared> {
  const mq = await staying(lane)
  const [from, to] = [unique('from'), unique('to')]
  lane.victims.queues.push(from, to)
  return {
    startMs: lane.settings.longestMs + START_MS,
    stopMs: 2 * TIMES.publishTimeoutMs + SLACK_MS,
    close: () => mq.close({ drainTimeoutMs: DRAIN_MS }),
    start({ random, signal }) {
      const starting = startGate({ ...TIMES, url: lane.url, logger: false, from, to, declare: true, signal })
      return Object.assign(stoppable(starting), { work: () => Promise.allSettled(scheduling(mq, from, random)) })
    },
  }
}

function stoppable(starting: Promise<{ close: () => Promise<void> }>): Stopped {
  const running: Stopped = {
    started: starting.then((one) => void (running.weak = new WeakRef(one))),
    stop: () =>
      starting.then(
        (one) => one.close(),
        () => undefined,
      ),
  }
  return running
}

const PAGES = [
  'api/events',
  'api/overview',
  'api/findings',
  'api/waiting',
  'api/timeline',
  'api/ladder',
  'api/failed?kind=dead',
  'api/recurring',
]

async function dashboards(lane: FaultyLane): Promise<Prepared> {
  const mq = await staying(lane, { strategy: ladder({ journal: true }) })
  const queue = unique('shown')
  await Promise.allSettled(scheduling(mq, queue, () => 0.5))
  return {
    startMs: SLACK_MS,
    stopMs: 9000 + SLACK_MS,
    close: () => mq.close({ drainTimeoutMs: DRAIN_MS }),
    start({ random }) {
      const board = dashboard(mq, {
        access: 'all',
        management: lane.settings.management ?? false,
        probe: below(2, random) === 0,
      })
      const look = async (page: string) => {
        const { body } = await board(new Request(`http://board.example/dueque/${page}`))
        const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
        await reader?.read()
        if (below(2, random) === 0) await pause(below(200, random))
        await reader?.cancel()
      }
      return {
        started: Promise.resolve(),
        work: () => Promise.allSettled(PAGES.filter(() => below(2, random) === 0).map(look)),
        stop: () => board.close(),
        weak: new WeakRef(board),
      }
    },
  }
}
