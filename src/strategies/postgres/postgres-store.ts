import { MAX_DELAY_MS } from '../../message/due.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { silent, type Logger } from '../../base/logger.js'
import type { MessageStore } from '../store/message-store.js'
import { StoreFaults } from '../store/store-faults.js'
import { MessageWriter } from './message-writer.js'
import { Claims } from './claims.js'
import type { PostgresTransaction } from './clients.js'
import { databaseOf } from './database-of.js'
import { listenSource } from './listen-source.js'
import { Listener } from './listener.js'
import { ensureSchema } from './migrate.js'
import { resolvePostgres, type PostgresOptions } from './postgres-options.js'
import { Queries } from './queries.js'
import { PostgresDefinitions } from './postgres-definitions.js'
import { PostgresWaitlist } from './postgres-waitlist.js'
import { CallerTransactions } from './transactions/caller-transactions.js'
import { checkTransaction } from './transactions/check-transaction.js'
import { waitlistIn } from './transactions/waitlist-in.js'

/** How often a relay claims while there is little to claim. */
const SPACING_MS = 20

/** The store in whose transactions the caller can write. */
export interface PostgresStore extends MessageStore {
  checkTransaction(transaction: PostgresTransaction): void
}

/** A table of PostgreSQL in which messages wait. */
export function postgresStore(options: PostgresOptions): PostgresStore {
  const resolved = resolvePostgres(options)
  const { database, faults, queries, callers, waiting, writer, claims, watch, within, definitions } = partsOf(resolved)
  let logger = silent

  return {
    name: 'postgres',
    limits: { maxDelayMs: MAX_DELAY_MS, orderMs: 50, leadMs: 0 },
    spacingMs: SPACING_MS,
    definitions,

    async open(environment) {
      logger = environment.logger
      faults.open(environment)
      database.open()
      await ensureSchema(database, resolved.schema, resolved.migrate)
      await callers.open()
    },

    add: (message, addOptions) => writer.add(message, addOptions),
    claim: (request) => claims.claim(request),
    settle: (claimed) => claims.settle(claimed),
    postpone: (claimed, until) => claims.postpone(claimed, until),

    find: (id): Promise<readonly DelayedMessage[]> => waiting.find(id),
    remove: (message) => waiting.remove(message),
    replace: (message, by) => waiting.replace(message, by),
    list: (filter, page) => waiting.list(filter, page),
    count: (filter) => waiting.count(filter),
    countBy: (filter, spanMs) => waiting.countBy(filter, spanMs),
    countByDestination: () => waiting.countByDestination(),

    within,
    watch: (watcher) => watch(watcher, logger),
    checkTransaction,
    health: () => queries.health(),
    faults: () => faults.counts(),

    async close() {
      await Promise.all([writer.end(), definitions.end()])
      database.close()
    },
  }
}

/** The parts of the store, which share a pool, a schema and the news of waiting messages. */
function partsOf({ pool, schema, listen, timeoutMs }: ReturnType<typeof resolvePostgres>) {
  const channel = `dueque:${schema}`
  const faults = new StoreFaults('postgres')
  const database = databaseOf(pool, timeoutMs)
  const queries = new Queries(database, schema)
  const callers = new CallerTransactions(queries)
  const watchers = new Set<(readyAt: number) => void>()
  const heard = (readyAt: number) => {
    claims.heard(readyAt)
    for (const watcher of watchers) watcher(readyAt)
  }
  const waiting = new PostgresWaitlist({ queries, channel, faults, changed: heard })
  const writer = new MessageWriter({ queries, callers, waiting, channel, added: (readyAt) => claims.heard(readyAt) })
  const claims = new Claims(queries, waiting, faults)
  const definitions = new PostgresDefinitions(queries, (name, error) => faults.unreadable(name, error))

  const watch = async (watcher: (readyAt: number) => void, logger: Logger) => {
    watchers.add(watcher)
    const notify = (payload: string) => queries.run('notify', [channel, payload])
    const open = listen !== false && listenSource(database, listen, { channel, timeoutMs })
    const listener = open && new Listener({ open, notify, heard, logger })
    if (listener) await listener.tried
    return async () => {
      watchers.delete(watcher)
      if (listener) await listener.stop()
    }
  }
  const within: PostgresStore['within'] = (transaction, work) =>
    callers.run(transaction as PostgresTransaction, (inside) => work(waitlistIn(inside, { waiting, channel })))
  return { database, faults, queries, callers, waiting, writer, claims, watch, within, definitions }
}
