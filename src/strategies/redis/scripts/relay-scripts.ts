import { entryScript } from './entry-script.js'

/**
 * Claims messages. ARGV: now or '' for the time of Redis, limit, lease in ms. Returns the lease; when the next message is
 * ready; in how many ms the next lease ends; how many entries had lost their value; then field and value of each. The first
 * writes are those that Redis takes even when its memory is full.
 */
export const CLAIM = entryScript(`
local now, limit, leaseMs = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
if now == '' then now = string.format('%.0f', math.floor(clock / 1000)) end
local lease = string.format('%.0f', clock + leaseMs * 1000)
local reply, bytes, missing = { lease, '', '', '' }, 0, 0
local hasTicks = redis.call('ZCOUNT', ticks, '-inf', '+inf') > 0

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
  for i = 1, #taken, 1000 do
    redis.call('ZREM', from, unpack(taken, i, math.min(i + 999, #taken)))
    if hasTicks and from == waiting then redis.call('ZREM', ticks, unpack(taken, i, math.min(i + 999, #taken))) end
  end
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
-- Those that a version before them has claimed.
if hasTicks then
  for _, field in ipairs(redis.call('ZRANGEBYSCORE', ticks, '-inf', now, 'LIMIT', 0, 100)) do
    if not redis.call('ZSCORE', waiting, field) then redis.call('ZREM', ticks, field) end
  end
end
local nextWaiting = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
local nextClaimed = redis.call('ZRANGE', claimed, 0, 0, 'WITHSCORES')
if nextWaiting[2] then reply[2] = nextWaiting[2] end
if nextClaimed[2] then reply[3] = string.format('%.0f', math.ceil((nextClaimed[2] - clock) / 1000)) end
reply[4] = tostring(missing)
return reply
`)

/** Removes delivered messages. ARGV: field and lease of each, 1000 at most. Returns how many of them are gone. */
export const SETTLE = entryScript(`
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

/** Lets claimed messages wait again. ARGV: channel; then field, lease, score, and '1' for a tick, of each. Returns how
 * many are gone. */
export const RELEASE = entryScript(`
local missing = 0
for i = 2, #ARGV, 4 do
  local field = ARGV[i]
  if redis.call('ZSCORE', claimed, field) == ARGV[i + 1] then
    redis.call('ZREM', claimed, field)
    wait(field, ARGV[i + 2], ARGV[i + 3])
    tell(field, ARGV[1])
  elseif isGone(field, ARGV[i + 1]) then
    missing = missing + 1
  end
end
return missing
`)
