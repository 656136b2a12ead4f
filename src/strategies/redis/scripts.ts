import { createHash } from 'node:crypto'

/** A Lua script, and what Redis knows it by. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/**
 * What all have in common. `waiting` and `claimed` are sorted sets of fields, by the time in milliseconds when they are
 * ready, and by the end of the lease in microseconds. `messages` is a hash of field → value.
 *
 * The first message of an id has a digest of the id as its field: `first`. Further ones have a digest of the entry's key
 * behind that, the `tag`, and are in the sorted set `more`, where those of an id stand together. Every value begins with
 * the tag of its entry. So an index by id costs nothing, as long as ids differ.
 *
 * With `redisExpiry` there is a fifth key, the beginning of the names of its triggers: keys that expire.
 *
 * Members of `messages` count only if they are in `waiting` or `claimed`. Each script makes the change that matters last
 * of those that Redis might refuse.
 */
const COMMON = `
local waiting, claimed, messages, more, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
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

local function wait(field, score)
  redis.call('ZADD', waiting, score, field)
  if not due then return end
  local inMs = math.max(score - timeMs(), 1)
  redis.call('SET', triggerOf(field, score), 1, 'PX', string.format('%.0f', inMs))
end

-- False if it did not wait.
local function waitNoMore(field)
  local score = due and redis.call('ZSCORE', waiting, field)
  if redis.call('ZREM', waiting, field) == 0 then return false end
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

/** ARGV: first, tag, score, value, onConflict or '', channel, in how many ms it may be claimed at the earliest. 1: waits now, 0: waited already; or the values that wait. */
export const ADD = script(`
local first, tag, score, value, onConflict, channel, holdMs = unpack(ARGV)
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
wait(field, score)
if isThere then redis.call('ZREM', claimed, field) end
for _, rival in ipairs(rivals) do
  waitNoMore(rival)
  forget(rival)
end
tell(field, channel)
return 1
`)

/**
 * ARGV: now or '' for the time of Redis, limit, lease in ms. Returns the lease; when the next is ready; in how many ms the next lease is over; how many
 * had lost their value; then field and value of each. What it writes first is what Redis takes even when its memory is full.
 */
export const CLAIM = script(`
local now, limit, leaseMs = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
if now == '' then now = string.format('%.0f', math.floor(clock / 1000)) end
local lease = string.format('%.0f', clock + leaseMs * 1000)
local reply, bytes, missing = { lease, '', '', '' }, 0, 0

local function take(from, untilScore)
  local left = limit - (#reply - 4) / 2
  if left <= 0 or bytes >= MAX_BYTES then return end
  local taken = {}
  for _, field in ipairs(redis.call('ZRANGEBYSCORE', from, '-inf', untilScore, 'LIMIT', 0, left)) do
    if bytes >= MAX_BYTES then break end
    local value = redis.call('HGET', messages, field)
    taken[#taken + 1] = field
    if value then
      bytes = bytes + #value
      reply[#reply + 1] = field
      reply[#reply + 1] = value
    else
      missing = missing + 1
    end
  end
  for i = 1, #taken, 1000 do redis.call('ZREM', from, unpack(taken, i, math.min(i + 999, #taken))) end
end

take(claimed, string.format('%.0f', clock))
take(waiting, now)
for i = 5, #reply, 1000 do
  local added = {}
  for j = i, math.min(i + 998, #reply), 2 do
    added[#added + 1] = lease
    added[#added + 1] = reply[j]
  end
  redis.call('ZADD', claimed, unpack(added))
end
local nextWaiting = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
local nextClaimed = redis.call('ZRANGE', claimed, 0, 0, 'WITHSCORES')
if nextWaiting[2] then reply[2] = nextWaiting[2] end
if nextClaimed[2] then reply[3] = string.format('%.0f', math.ceil((nextClaimed[2] - clock) / 1000)) end
reply[4] = tostring(missing)
return reply
`)

/** ARGV: field and lease of each, 1000 at most. Returns how many of them are gone. */
export const SETTLE = script(`
local done, extra, fields, missing = {}, {}, {}, 0
for i = 1, #ARGV, 2 do fields[#fields + 1] = ARGV[i] end
local leases = redis.call('ZMSCORE', claimed, unpack(fields))
for i, field in ipairs(fields) do
  if leases[i] == ARGV[i * 2] then
    done[#done + 1] = field
    if #field > FIRST then extra[#extra + 1] = field end
  elseif isGone(field, ARGV[i * 2]) then
    missing = missing + 1
  end
end
if #done > 0 then
  redis.call('ZREM', claimed, unpack(done))
  redis.call('HDEL', messages, unpack(done))
end
if #extra > 0 then redis.call('ZREM', more, unpack(extra)) end
return missing
`)

/** ARGV: channel; then field, lease and score of each. Returns how many of them are gone. */
export const RELEASE = script(`
local missing = 0
for i = 2, #ARGV, 3 do
  local field = ARGV[i]
  if redis.call('ZSCORE', claimed, field) == ARGV[i + 1] then
    redis.call('ZREM', claimed, field)
    wait(field, ARGV[i + 2])
    tell(field, ARGV[1])
  elseif isGone(field, ARGV[i + 1]) then
    missing = missing + 1
  end
end
return missing
`)

/** ARGV: first, tag. 1 if it was waiting. */
export const REMOVE = script(`
local field = fieldOf(ARGV[1], ARGV[2])
if not waitNoMore(field) then return 0 end
forget(field)
return 1
`)

/** ARGV: first, tag, the score that it must have, score, value, channel. 1 if it was waiting like that. */
export const REPLACE = script(`
local field = fieldOf(ARGV[1], ARGV[2])
local score = redis.call('ZSCORE', waiting, field)
if not score or tonumber(score) ~= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', messages, field, ARGV[5])
waitNoMore(field)
wait(field, ARGV[4])
tell(field, ARGV[6])
return 1
`)

/** ARGV: first. Returns score and value of each that waits. */
export const FIND = script(`
local reply = {}
for _, field in ipairs(fieldsOf(ARGV[1])) do
  local value = redis.call('HGET', messages, field)
  if value then
    reply[#reply + 1] = redis.call('ZSCORE', waiting, field)
    reply[#reply + 1] = value
  end
end
return reply
`)

/**
 * A page of what waits, by score and field. ARGV: least score or '', score or '' (exclusive), score and field of the one
 * before or '', its tag or '' (then the field is its `first`), how many to look at, how many to return, whether without
 * bodies; then texts, all of which have to be in what is before the body. Returns score and field of the last one looked
 * at, or '' if it was the last one; then score and value of each.
 */
export const PAGE = script(`
local from, to, score, field, tag = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local looks, limit, isShort = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1'

-- In the order of bytes, whatever the locale.
local function isBehind(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

-- The rank of the first one behind it, which may be there no more.
local function rankBehind()
  local low = redis.call('ZCOUNT', waiting, '-inf', '(' .. score)
  local high = low + redis.call('ZCOUNT', waiting, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBehind(redis.call('ZRANGE', waiting, middle, middle)[1], field) then high = middle else low = middle + 1 end
  end
  return low
end

local function fits(value, bodyAt)
  for i = 9, #ARGV do
    local at = string.find(value, ARGV[i], TAG + 1, true)
    if not at or at >= bodyAt then return false end
  end
  return true
end

local rank = from == '' and 0 or redis.call('ZCOUNT', waiting, '-inf', '(' .. from)
if score ~= '' then
  if tag ~= '' and redis.call('HEXISTS', messages, field .. tag) == 1 then field = field .. tag end
  rank = math.max(rank, rankBehind())
end
local found = redis.call('ZRANGE', waiting, rank, rank + looks - 1, 'WITHSCORES')
local reply, bytes = { '', '' }, 0
for i = 1, #found, 2 do
  if to ~= '' and tonumber(found[i + 1]) >= tonumber(to) then return reply end
  local value = redis.call('HGET', messages, found[i])
  if value then
    local bodyAt = string.find(value, '\\n', TAG + 1, true) or #value
    if fits(value, bodyAt) then
      if isShort then value = string.sub(value, 1, bodyAt) end
      bytes = bytes + #value
      reply[#reply + 1] = found[i + 1]
      reply[#reply + 1] = value
    end
  end
  if #reply - 2 >= limit * 2 or bytes >= MAX_BYTES or i + 1 == looks * 2 then
    reply[1], reply[2] = found[i + 1], found[i]
    return reply
  end
end
return reply
`)

/** ARGV: least score, score (as ZCOUNT has them). How many wait. */
export const COUNT = script(`
return redis.call('ZCOUNT', waiting, ARGV[1], ARGV[2])
`)

/** How many wait, are claimed, and have a value. */
export const CENSUS = script(`
return { redis.call('ZCARD', waiting), redis.call('ZCARD', claimed), redis.call('HLEN', messages) }
`)

/** What it was given, and a number. See probe.ts. */
export const PROBE = script(`
return { ARGV[1], ARGV[2], #ARGV }
`)

/** What there is to know of the server. Empty where it may not be asked. */
export const LOOK = script(`
local parts = {}
for _, section in ipairs({ 'server', 'memory', 'persistence' }) do
  local info = redis.pcall('INFO', section)
  if type(info) == 'string' then parts[#parts + 1] = info end
end
return table.concat(parts, '\\r\\n')
`)

function script(lua: string): Script {
  return scriptOf(COMMON + lua)
}

export function scriptOf(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
