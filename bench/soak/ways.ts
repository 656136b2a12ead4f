import {
  connect,
  isDuequeError,
  ladder,
  type DedupeStore,
  type Dueque,
  type RecurringMethods,
  type WaitingMethods,
} from 'dueque'
import { postgres, postgresDedupe } from 'dueque/postgres'
import { redis, redisDedupe } from 'dueque/redis'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import { namespaceOf, type Kind } from './queues.js'

/** Where RabbitMQ and the stores are. */
export interface Servers {
  urls: readonly string[]
  redisUrl: string | undefined
  postgresUrl: string | undefined
}

/** A connection whose waiting messages can be seen: the ladder has a journal. */
export type Way = Dueque & WaitingMethods & RecurringMethods
/** One for each strategy of the run. */
export type Ways = Partial<Record<Kind, Way>>

const STORE = 'dueque_soak'
/** Connections of a relay, and of a dedupe store. */
const POOL = 6
/** Of the dedupe store, on a busy machine. Less than a lease. */
const DEDUPE_TIMEOUT_MS = 10_000
/** Log lines of what handlers do as planned. */
const PLANNED = ['message given up', 'a handler threw']
const PAUSE_MS = 1000

export interface OpenOptions extends Servers {
  name: string
  kinds: readonly Kind[]
  /** Whether it only looks: it runs neither relays nor tickers. */
  looks?: boolean
}

/** Connects to each, however long it takes. `tell` gets warnings and failures. */
export async function openAll(options: OpenOptions, tell: (text: string) => void): Promise<Ways> {
  const opened = await Promise.all(options.kinds.map(async (kind) => [kind, await open(kind, options, tell)] as const))
  return Object.fromEntries(opened)
}

async function open(kind: Kind, options: OpenOptions, tell: (text: string) => void): Promise<Way> {
  const { urls: url, name, looks = false } = options
  const { strategy, ...client } = strategyOf(kind, options)
  const ignore = () => undefined
  const keep = (text: string, data?: Record<string, unknown>) => {
    if (!PLANNED.includes(text)) tell(`${kind}: ${text} ${JSON.stringify(data ?? {})}`)
  }
  const logger = { debug: ignore, info: ignore, warn: keep, error: keep }
  for (;;) {
    try {
      const mq = await connect({ url, name, namespace: namespaceOf(kind), strategy, logger, recurring: !looks })
      clients.set(mq, client)
      return mq
    } catch (error) {
      if (!isDuequeError(error)) throw error
      tell(`${kind}: cannot connect: ${String(error)}`)
      await sleep(PAUSE_MS)
    }
  }
}

function strategyOf(kind: Kind, { redisUrl, postgresUrl, looks = false }: OpenOptions) {
  const relay = looks ? (false as const) : undefined
  switch (kind) {
    case 'ladder':
      return { strategy: ladder({ journal: true }), close: () => Promise.resolve() }
    case 'redis': {
      const client = new Redis(redisUrl!)
      client.on('error', () => undefined) // dueque tells
      return {
        strategy: redis({ client, prefix: STORE, relay }),
        dedupe: redisDedupe({ client, prefix: STORE, timeoutMs: DEDUPE_TIMEOUT_MS }),
        close: () => Promise.resolve(client.disconnect()),
      }
    }
    case 'postgres': {
      const [pool, second] = [0, 1].map(() => {
        const one = new Pool({ connectionString: postgresUrl, max: POOL })
        return one.on('error', () => undefined)
      }) as [Pool, Pool]
      return {
        strategy: postgres({ pool, schema: STORE, relay }),
        dedupe: postgresDedupe({ pool: second, schema: STORE, timeoutMs: DEDUPE_TIMEOUT_MS }),
        close: () => Promise.all([pool.end(), second.end()]),
      }
    }
  }
}

interface Client {
  /** Remembers in the same store what was handled. */
  dedupe?: DedupeStore
  close: () => Promise<unknown>
}

const clients = new WeakMap<Way, Client>()

export function dedupeOf(way: Way): DedupeStore {
  return clients.get(way)!.dedupe!
}

/** Closes the connections, and the clients of stores. */
export async function closeAll(ways: Ways): Promise<void> {
  const all = Object.values(ways)
  await Promise.all(all.map((mq) => mq.close()))
  // Consumers of one strategy may share the store of another.
  await Promise.all(all.map((mq) => clients.get(mq)!.close()))
}
