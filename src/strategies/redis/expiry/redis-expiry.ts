import { checkOptions, flag, integer, type Rules } from '../../../base/checks.js'
import { aRelay, type RelayOptions } from '../../store/relay-options.js'
import type { RedisClient } from '../clients/client.js'
import { nodesOf, portOf } from '../clients/port-of.js'
import { aClient, aPrefix, aTimeout } from '../redis-rules.js'
import { RedisStore } from '../redis-store.js'
import { storeStrategy, type StoreStrategy } from '../../store/store-strategy.js'
import { expiryStore } from './expiry-store.js'

export interface RedisExpiryOptions {
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
  /** How long to wait for Redis, in milliseconds: as with `redis`. @default 10_000 */
  timeoutMs?: number | undefined
  /**
   * Moves due messages from the store into RabbitMQ, in this process. `false` leaves that to other processes with a relay.
   * @default {}
   */
  relay?: Omit<RelayOptions, 'backstopMs'> | false | undefined
  /**
   * How often the relay looks for due messages without an event, in milliseconds. If Redis sends no event, or sends it late,
   * the message is late by up to this time. @default 1000
   */
  sweepMs?: number | undefined
  /**
   * Adds the missing flags of `Ex` to Redis' setting `notify-keyspace-events`, at the start and after each restart of Redis.
   * Otherwise a relay that finds it missing does not start (`STORE_NOT_READY`). @default true
   */
  configure?: boolean | undefined
}

const EXPIRY_RULES: Rules<RedisExpiryOptions> = {
  client: aClient,
  prefix: aPrefix,
  timeoutMs: aTimeout,
  relay: (value, option) => {
    // Here the option is called sweepMs.
    if (Object(value) !== value || !('backstopMs' in (value as object))) return aRelay(value, option)
    return 'no backstopMs: sweepMs is the same'
  },
  sweepMs: integer(10, 3_600_000),
  configure: flag,
}

/**
 * As `redis`, but woken by keys that expire and not by a clock: each message has a key with a time to live beside it, and
 * the relay looks for due messages when Redis reports that a key expired. This is the weakest way to wait, for users who have
 * to work by expiry; `redis` keeps the same data, is punctual, and takes less memory.
 *
 * Guarantee: that of `redis`, since messages are in the same place and are claimed in the same way. Events only wake. An
 * event that Redis does not send, or that is lost, makes a message late by up to `sweepMs`, and loses nothing. Redis itself
 * makes messages late too: it takes long to notice an expired key among many. docs/guides/redis-expiry.md has measurements.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * const mq = await connect({ url, strategy: redisExpiry({ client: new Redis() }) })
 */
export function redisExpiry(options: RedisExpiryOptions): StoreStrategy {
  checkOptions(options, EXPIRY_RULES)
  const { client, prefix = 'dueque', timeoutMs = 10_000, relay = {}, sweepMs = 1000, configure = true } = options
  const store = new RedisStore({ port: portOf(client), prefix, timeoutMs, triggers: true })
  const nodes = () => nodesOf(client)
  return storeStrategy(expiryStore({ store, prefix, timeoutMs, nodes, configure }), {
    relay: relay && { ...relay, backstopMs: sweepMs },
  })
}
