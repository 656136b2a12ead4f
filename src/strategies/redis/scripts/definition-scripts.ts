import { scriptOf } from './script.js'

/**
 * The scripts on definitions of recurring messages. The hash KEYS[1] holds `revision:definition` for each id, without a
 * definition if the id is removed. The sorted set KEYS[2] holds removed ids by their revision.
 */

/**
 * Writes a record. ARGV: id, revision, definition; an empty one removes. The greatest revision stays; of equal ones, the
 * removal. Forgets some ids that were removed 90 days ago: a revision is a time in microseconds.
 */
export const WRITE_DEFINITION = scriptOf(`
local id, revision, definition = unpack(ARGV)
local held = redis.call('HGET', KEYS[1], id) or ''
local digits = string.match(held, '^%d+:')
local known = digits and tonumber(string.sub(digits, 1, -2)) or -1
local isRemoval, wasRemoved = definition == '', held == digits
if tonumber(revision) < known then return 0 end
if tonumber(revision) == known and (wasRemoved or not isRemoval) then return 0 end
redis.call('HSET', KEYS[1], id, revision .. ':' .. definition)
if not isRemoval then
  redis.call('ZREM', KEYS[2], id)
  return 1
end
redis.call('ZADD', KEYS[2], revision, id)
local time = redis.call('TIME')
local forgotten = string.format('(%.0f', (time[1] - 90 * 86400) * 1000000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', forgotten, 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[1], old)
  redis.call('ZREM', KEYS[2], old)
end
return 1
`)

/** ARGV: id. Returns what the hash holds. */
export const GET_DEFINITION = scriptOf(`
return redis.call('HGET', KEYS[1], ARGV[1])
`)

/** ARGV: cursor, count. Returns the next cursor, then ids and what the hash holds for each. Ids may come twice. */
export const PAGE_DEFINITIONS = scriptOf(`
local cursor, found = unpack(redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2]))
table.insert(found, 1, cursor)
return found
`)
