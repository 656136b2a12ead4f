import { entryScript } from './entry-script.js'

/** Entries that one call looks at, if some of them may be left out. They keep Redis busy for about 2 ms. */
export const LOOKS = 1000

/** Finds the waiting messages of an id. ARGV: first. Returns score and value of each. */
export const FIND = entryScript(`
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
 * A page of the waiting messages, by score and field. ARGV: least score or '', score or '' (exclusive), score and field of the one
 * before or '', its tag or '' (then the field is its `first`), how many to look at, how many to return, whether without
 * bodies, whether with ticks; then texts, all of which have to be in what is before the body. Returns score and field of the last one looked
 * at, or '' if it was the last one; then score and value of each.
 */
export const PAGE = entryScript(`
local from, to, score, field, tag = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local looks, limit, isShort = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1'
local hidesTicks = ARGV[9] == '' and redis.call('ZCOUNT', ticks, '-inf', '+inf') > 0
if hidesTicks then looks = ${LOOKS} end

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
  for i = 10, #ARGV do
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
  local isHidden = hidesTicks and redis.call('ZSCORE', ticks, found[i])
  local value = not isHidden and redis.call('HGET', messages, found[i])
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

/** Counts waiting messages. ARGV: least and greatest score, as ZCOUNT takes them; whether with ticks. */
export const COUNT = entryScript(`
local hidden = ARGV[3] == '' and redis.call('ZCOUNT', ticks, ARGV[1], ARGV[2]) or 0
return math.max(redis.call('ZCOUNT', waiting, ARGV[1], ARGV[2]) - hidden, 0)
`)

/**
 * Counts waiting messages by spans of time. ARGV: least score, score (exclusive), the span, how many spans to count, whether
 * with ticks. Returns the
 * least score to go on with, or '' at the end; then start and count of each span that has some.
 */
export const SPANS = entryScript(`
local least, to, span = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local reply = { '' }
for _ = 1, tonumber(ARGV[4]) do
  local first = redis.call('ZRANGEBYSCORE', waiting, least, '(' .. ARGV[2], 'WITHSCORES', 'LIMIT', 0, 1)
  if not first[2] then return reply end
  local from = math.floor(tonumber(first[2]) / span) * span
  local behind = string.format('%.0f', math.min(from + span, to))
  local hidden = ARGV[5] == '' and redis.call('ZCOUNT', ticks, least, '(' .. behind) or 0
  local count = redis.call('ZCOUNT', waiting, least, '(' .. behind) - hidden
  if count > 0 then
    reply[#reply + 1] = string.format('%.0f', from)
    reply[#reply + 1] = string.format('%.0f', count)
  end
  least = behind
end
reply[1] = least
return reply
`)
