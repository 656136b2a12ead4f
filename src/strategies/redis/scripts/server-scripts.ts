import { entryScript } from './entry-script.js'

/** Returns the number of waiting entries, of claimed entries, and of values. */
export const CENSUS = entryScript(`
return { redis.call('ZCARD', waiting), redis.call('ZCARD', claimed), redis.call('HLEN', messages) }
`)

/** Returns its arguments and a number. See probe.ts. */
export const PROBE = entryScript(`
return { ARGV[1], ARGV[2], #ARGV }
`)

/** Returns INFO of the server. Empty where the user may not ask for it. */
export const LOOK = entryScript(`
local parts = {}
for _, section in ipairs({ 'server', 'memory', 'persistence' }) do
  local info = redis.pcall('INFO', section)
  if type(info) == 'string' then parts[#parts + 1] = info end
end
return table.concat(parts, '\\r\\n')
`)
