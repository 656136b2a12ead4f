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
   * What the names of all keys begin with, in braces, so that a cluster keeps them together: `{dueque}:waiting`. Processes
   * that share what waits have the same.
   * @default 'dueque'
   */
  prefix?: string | undefined
  /** How long Redis is waited for, in milliseconds: as with `redis`. @default 10_000 */
  timeoutMs?: number | undefined
  /**
   * Moves what is due from the store into RabbitMQ, in this process. `false` leaves that to other processes that have it.
   * @default {}
   */
  relay?: Omit<RelayOptions, 'backstopMs'> | false | undefined
  /**
   * How often the relay looks for what no event has told of, in milliseconds. What Redis does not tell, or tells late, is
   * late by up to so much. @default 1000
   */
  sweepMs?: number | undefined
  /**
   * Adds what is missing of `Ex` to Redis' setting `notify-keyspace-events`, at the start and after each restart of Redis.
   * Otherwise a relay that finds it missing does not start (`STORE_NOT_READY`). @default true
   */
  configure?: boolean | undefined
}

const EXPIRY_RULES: Rules<RedisExpiryOptions> = {
  client: aClient,
  prefix: aPrefix,
  timeoutMs: aTimeout,
  relay: (value, option) => {
    // Its name here is sweepMs.
    if (Object(value) !== value || !('backstopMs' in (value as object))) return aRelay(value, option)
    return 'no backstopMs: sweepMs is the same'
  },
  sweepMs: integer(10, 3_600_000),
  configure: flag,
}

/**
 * As `redis`, but woken by keys that expire and not by a clock: each message has a key with a time to live beside it, and
 * the relay looks for what is due when Redis tells that one expired. The weakest of the ways to wait, for those who have
 * to work by expiry; `redis` keeps the same data, is punctual, and takes less memory.
 *
 * Guarantee: that of `redis`, since messages are in the same place and are claimed in the same way. Events only wake. An
 * event that Redis does not send, or that nobody hears, makes a message late by up to `sweepMs`, and loses nothing; so
 * does Redis itself, which takes long to notice an expired key among many. docs/redis-expiry.md has measurements.
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
