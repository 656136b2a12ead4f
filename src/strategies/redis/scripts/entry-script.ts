import { scriptOf, type Script } from './script.js'

/**
 * The functions that all scripts on entries share. `waiting` and `claimed` are sorted sets of fields, by the time in
 * milliseconds when they are ready, and by the end of the lease in microseconds. `messages` is a hash of field → value.
 *
 * The first message of an id has a digest of the id as its field: `first`. Further messages of the id have a digest of
 * the entry's key behind that, the `tag`, and are in the sorted set `more`, which keeps the fields of an id together. Every
 * value begins with the tag of its entry. So an index by id costs no memory, as long as ids differ.
 *
 * `ticks` are the waiting ticks of recurring messages, which are in `waiting`, too: users do not count them.
 *
 * With `redisExpiry` there is a sixth key, the beginning of the names of its triggers: keys that expire.
 *
 * Members of `messages` count only if they are in `waiting` or `claimed`. Of the changes that Redis might refuse, each script
 * makes the decisive one last.
 */
const COMMON = `
local waiting, claimed, messages, more, ticks, due = unpack(KEYS)
local FIRST, TAG = 14, 8
-- What is answered at a time at most, about.
local MAX_BYTES = 8388608

-- The field of an entry and whether it is there; if not, that of its own which is free.
local function fieldOf(first, tag)
  local held = redis.call('HGET', messages, first)
  if held and string.sub(held, 1, TAG) == tag then return first, true end
  local isThere = redis.call('HEXISTS', messages, first .. tag) == 1
  if held or isThere then return first .. tag, isThere end
  return first, false
end

-- Of the waiting ones with an id.
local function fieldsOf(first)
  local fields = {}
  if redis.call('ZSCORE', waiting, first) then fields[1] = first end
  local last = first .. string.rep('\\255', TAG)
  for _, field in ipairs(redis.call('ZRANGEBYLEX', more, '[' .. first, '[' .. last)) do
    if redis.call('ZSCORE', waiting, field) then fields[#fields + 1] = field end
  end
  return fields
end

-- The name of the key that expires when an entry is ready. Only \`redisExpiry\` has them.
local function triggerOf(field, score)
  return due .. ':' .. score .. ':' .. field
end

local function timeMs()
  local time = redis.call('TIME')
  return math.floor(time[1] * 1000 + time[2] / 1000)
end

-- isTick: '1' for a tick.
local function wait(field, score, isTick)
  if isTick == '1' then redis.call('ZADD', ticks, score, field) end
  redis.call('ZADD', waiting, score, field)
  if not due then return end
  local inMs = math.max(score - timeMs(), 1)
  redis.call('SET', triggerOf(field, score), 1, 'PX', string.format('%.0f', inMs))
end

-- False if it did not wait.
local function waitNoMore(field)
  local score = due and redis.call('ZSCORE', waiting, field)
  if redis.call('ZREM', waiting, field) == 0 then return false end
  redis.call('ZREM', ticks, field)
  if score then redis.call('UNLINK', triggerOf(field, score)) end
  return true
end

local function forget(field)
  redis.call('HDEL', messages, field)
  if #field > FIRST then redis.call('ZREM', more, field) end
end

-- Only the holder of the lease removes an entry before the lease ends.
local function isGone(field, lease)
  local time = redis.call('TIME')
  return tonumber(lease) > time[1] * 1000000 + time[2] and redis.call('HEXISTS', messages, field) == 0
end

local function tell(field, channel)
  if redis.call('ZRANGE', waiting, 0, 0)[1] ~= field then return end
  -- It may not be allowed, and is only a hint.
  redis.pcall('PUBLISH', channel, redis.call('ZSCORE', waiting, field))
end
`

/** A script on the entries of a prefix. */
export function entryScript(lua: string): Script {
  return scriptOf(COMMON + lua)
}
