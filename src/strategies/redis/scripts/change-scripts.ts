import { entryScript } from './entry-script.js'

/**
 * Adds a message. ARGV: first, tag, score, value, onConflict or '', channel, in how many ms it may be claimed at the
 * earliest, '1' for a tick. 1: it waits now, 0: it waited already; or the values of the waiting messages with its id.
 */
export const ADD = entryScript(`
local first, tag, score, value, onConflict, channel, holdMs, isTick = unpack(ARGV)
local field, isThere = fieldOf(first, tag)
if isThere and redis.call('ZSCORE', waiting, field) then return 0 end
local rivals = onConflict == '' and {} or fieldsOf(first)
if rivals[1] and onConflict ~= 'replace' then
  local values = {}
  for _, rival in ipairs(rivals) do values[#values + 1] = redis.call('HGET', messages, rival) or nil end
  return values
end
redis.call('HSET', messages, field, value)
if #field > FIRST then redis.call('ZADD', more, 0, field) end
if holdMs ~= '0' then score = string.format('%.0f', math.max(score, timeMs() + holdMs)) end
wait(field, score, isTick)
if isThere then redis.call('ZREM', claimed, field) end
for _, rival in ipairs(rivals) do
  waitNoMore(rival)
  forget(rival)
end
tell(field, channel)
return 1
`)

/** Removes a message. ARGV: first, tag. 1 if it was waiting. */
export const REMOVE = entryScript(`
local field = fieldOf(ARGV[1], ARGV[2])
if not waitNoMore(field) then return 0 end
forget(field)
return 1
`)

/** Replaces a message. ARGV: first, tag, the score that it must have, score, value, channel, '1' for a tick. 1 if it waited with
 * that. */
export const REPLACE = entryScript(`
local field = fieldOf(ARGV[1], ARGV[2])
local score = redis.call('ZSCORE', waiting, field)
if not score or tonumber(score) ~= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', messages, field, ARGV[5])
waitNoMore(field)
wait(field, ARGV[4], ARGV[7])
tell(field, ARGV[6])
return 1
`)
