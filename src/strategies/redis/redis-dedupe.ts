import { digest } from '../../base/digest.js'
import { checkOptions, type Rules } from '../../base/checks.js'
import { claimAnswer, type DedupeStore } from '../dedupe-store.js'
import { aClient, aPrefix, aTimeout } from './redis-rules.js'
import type { RedisClient } from './clients/client.js'
import { portOf } from './clients/port-of.js'
import { STORE } from './failures.js'
import { ScriptRunner } from './script-runner.js'
import { scriptOf, type Script } from './scripts/script.js'

export interface RedisDedupeOptions {
  /**
   * A client of `ioredis` or of `redis` (node-redis), for one server or a cluster. It stays yours to close. Clients of
   * `redis` have to be connected.
   */
  client: RedisClient
  /** What the names of all keys begin with. Consumers that share what was handled have the same. @default 'dueque' */
  prefix?: string | undefined
  /** How long Redis is waited for, in milliseconds. Less than `leaseMs` of the consumer. @default 3000 */
  timeoutMs?: number | undefined
}

const DEDUPE_RULES: Rules<RedisDedupeOptions> = { client: aClient, prefix: aPrefix, timeoutMs: aTimeout }

/** What a key holds: its owner while it runs, and this when it is settled. */
const SETTLED = 'settled'

/** 192 bits. Two messages with one digest would be one message. */
const DIGEST_BYTES = 24

/** ARGV: owner, lease in ms. */
const CLAIM = scriptOf(`
local held = redis.call('GET', KEYS[1])
if held == '${SETTLED}' then return held end
if held and held ~= ARGV[1] then return 'running' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'claimed'
`)

/** ARGV: owner, lease in ms. Also what Redis has forgotten, by a restart or because the lease was over. */
const RENEW = scriptOf(`
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

/** ARGV: window in ms. */
const SETTLE = scriptOf(`
return redis.call('SET', KEYS[1], '${SETTLED}', 'PX', ARGV[1])
`)

/** ARGV: owner. */
const RELEASE = scriptOf(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/**
 * Remembers in Redis or Valkey ≥ 6.2 what was handled, for `consume(…, { dedupe: { store } })`: a key for each message, of
 * fixed length, that expires by itself.
 *
 * Guarantee: that of `DedupeOptions`, for as long as Redis keeps what it has answered. What it forgets, in a crash without
 * `appendonly` and `appendfsync always`, in a failover, or by an eviction policy that takes keys with a time to live, may
 * be handled a second time if a copy comes.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * await mq.consume('payments', handlers, { dedupe: { store: redisDedupe({ client: new Redis() }) } })
 */
export function redisDedupe(options: RedisDedupeOptions): DedupeStore {
  checkOptions(options, DEDUPE_RULES)
  const { client, prefix = 'dueque', timeoutMs = 3000 } = options
  const scripts = new ScriptRunner(portOf(client), { timeoutMs })
  const run = (script: Script, key: string, ...args: string[]) => scripts.run(script, args, [keyOf(prefix, key)])
  return {
    name: STORE,
    async claim(key, owner, leaseMs) {
      const answer = await run(CLAIM, key, owner, String(leaseMs))
      return claimAnswer(answer instanceof Uint8Array ? Buffer.from(answer).toString() : answer, STORE)
    },
    async renew(keys, owner, leaseMs) {
      // Each is in a slot of its own.
      await Promise.all(keys.map((key) => run(RENEW, key, owner, String(leaseMs))))
    },
    async settle(key, windowMs) {
      await run(SETTLE, key, String(windowMs))
    },
    async release(key, owner) {
      await run(RELEASE, key, owner)
    },
  }
}

function keyOf(prefix: string, key: string): string {
  return `${prefix}:dedupe:${digest(key, DIGEST_BYTES).toString('base64url')}`
}
