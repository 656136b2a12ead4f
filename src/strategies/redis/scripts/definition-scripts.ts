import { REMEMBERED_MS } from '../../definitions/tombstones.js'
import { scriptOf } from './script.js'

/**
 * The scripts on definitions of recurring messages. The hash KEYS[1] holds `revision:definition` for each id, without a
 * definition if the id is removed. The sorted set KEYS[2] holds removed ids by their revision, KEYS[3] the others by name.
 */

/**
 * Writes a record. ARGV: id, revision, definition; an empty one removes. The greatest revision stays; of equal ones, the
 * removal. A number that is too great for a revision is none. Forgets some ids that were removed a day ago: a revision is a time
 * in microseconds. Returns what the hash held.
 */
export const WRITE_DEFINITION = scriptOf(`
local id, revision, definition = unpack(ARGV)
local held = redis.call('HGET', KEYS[1], id)
local digits = held and string.match(held, '^%d+:')
local known = digits and tonumber(string.sub(digits, 1, -2)) or -1
if known > ${Number.MAX_SAFE_INTEGER} then known = -1 end
local isRemoval, wasRemoved = definition == '', held == digits
if tonumber(revision) < known then return held end
if tonumber(revision) == known and (wasRemoved or not isRemoval) then return held end
redis.call('HSET', KEYS[1], id, revision .. ':' .. definition)
if not isRemoval then
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZADD', KEYS[3], 0, id)
  return held
end
redis.call('ZREM', KEYS[3], id)
redis.call('ZADD', KEYS[2], revision, id)
local time = redis.call('TIME')
local forgotten = string.format('(%.0f', time[1] * 1000000 - ${REMEMBERED_MS * 1000})
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', forgotten, 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[1], old)
  redis.call('ZREM', KEYS[2], old)
end
return held
`)

/** ARGV: id. Returns what the hash holds. */
export const GET_DEFINITION = scriptOf(`
return redis.call('HGET', KEYS[1], ARGV[1])
`)

/** ARGV: bounds of names as ZRANGEBYLEX takes them, how many. Returns each id and what the hash holds for it. */
export const PAGE_DEFINITIONS = scriptOf(`
local reply = {}
for _, id in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGET', KEYS[1], id) or ''
end
return reply
`)
