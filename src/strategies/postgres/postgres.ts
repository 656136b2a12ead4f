import { storeStrategy, type StoreStrategy } from '../store/store-strategy.js'
import type { PostgresTransaction } from './clients.js'
import type { PostgresOptions } from './postgres-options.js'
import { postgresStore } from './postgres-store.js'

/** A strategy that can write in the caller's own transaction. */
export interface PostgresStrategy extends StoreStrategy {
  checkTransaction(transaction: PostgresTransaction): void
}

/**
 * Messages wait in a table of PostgreSQL (13 or later), from which a relay moves due messages into RabbitMQ.
 *
 * A schedule resolves when its row is committed, and is as safe as any commit of that server. With `transaction` it is part
 * of the caller's own transaction: scheduled if that commits, and not otherwise. Messages are delivered at least once; if a
 * relay dies, others take over the messages that it had claimed, after `relay.leaseMs`. They are late by some 20 ms, and by up
 * to `relay.backstopMs` if no notification of them reaches the relay.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * const pool = new Pool({ connectionString })
 * const mq = await connect({ url: 'amqp://localhost', strategy: postgres({ pool }) })
 * await client.query('BEGIN')
 * await client.query('INSERT INTO appointments …')
 * await mq.schedule(reminder, payload, { to: { queue: 'reminders' }, in: '24h', transaction: client })
 * await client.query('COMMIT')
 */
export function postgres(options: PostgresOptions): PostgresStrategy {
  const store = postgresStore(options)
  return {
    ...storeStrategy(store, options),
    checkTransaction: (transaction) => store.checkTransaction(transaction),
  }
}
