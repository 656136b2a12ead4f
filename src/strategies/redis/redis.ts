import { checkOptions, type Rules } from '../../base/checks.js'
import { aRelay } from '../store/relay-options.js'
import { storeStrategy, type StoreStrategy, type StoreStrategyOptions } from '../store/store-strategy.js'
import { aClient, aPrefix, aTimeout } from './redis-rules.js'
import type { RedisClient } from './clients/client.js'
import { portOf } from './clients/port-of.js'
import { RedisStore } from './redis-store.js'

export interface RedisOptions extends StoreStrategyOptions {
  /**
   * A client of `ioredis` or of `redis` (node-redis), for one server or a cluster. It stays yours to close. Clients of
   * `redis` have to be connected.
   */
  client: RedisClient
  /**
   * The beginning of the names of all keys, in braces, so that a cluster keeps them together: `{dueque}:waiting`. Processes
   * that share waiting messages have the same.
   * @default 'dueque'
   */
  prefix?: string | undefined
  /**
   * How long to wait for Redis, in milliseconds. A schedule that fails by it is `refused` if Redis was not connected, and
   * `unknown` if it did not answer.
   * @default 10_000
   */
  timeoutMs?: number | undefined
}

/**
 * Messages wait in Redis or Valkey ≥ 6.2, and a relay moves them into RabbitMQ when they are due. Waiting messages can
 * be cancelled, rescheduled, listed and counted.
 *
 * Guarantee: once Redis has answered, a message is as safe as Redis is set up to keep it, and arrives at least once and
 * never early. With `appendonly yes` and `appendfsync everysec`, a crash of Redis loses up to a second or two; without
 * `appendonly`, all messages since the last snapshot. A failover loses those that the replica had not received. Messages that
 * a relay had claimed when it died arrive `relay.leaseMs` late, maybe twice. docs/guides/redis.md has the details.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * const mq = await connect({ url, strategy: redis({ client: new Redis() }) })
 */
export function redis(options: RedisOptions): StoreStrategy {
  return storeStrategy(redisStore(options), options)
}

const REDIS_RULES: Rules<RedisOptions> = { client: aClient, prefix: aPrefix, timeoutMs: aTimeout, relay: aRelay }

/** The store alone. @throws DuequeError `INVALID_OPTION` */
export function redisStore(options: RedisOptions): RedisStore {
  checkOptions(options, REDIS_RULES)
  const { client, prefix = 'dueque', timeoutMs = 10_000 } = options
  return new RedisStore({ port: portOf(client), prefix, timeoutMs })
}
