/** By zone, in lower case: there are some 600, and one takes a while to make. */
const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * The offset of a time zone at an instant, both in milliseconds: what its clocks show, less UTC. Nothing for a zone that is not
 * known here.
 *
 * @param zone such as `Europe/Berlin`, in any case of letters
 */
export function zoneOffset(zone: string): ((ms: number) => number) | undefined {
  const format = formatOf(zone)
  return format && ((ms) => wallClock(format, ms) - Math.floor(ms / 1000) * 1000)
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const key = zone.toLowerCase()
  const known = formats.get(key)
  if (known) return known
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(key, format)
    return format
  } catch {
    return undefined
  }
}

/** What the clocks of the zone show, as if it were UTC. */
function wallClock(format: Intl.DateTimeFormat, ms: number): number {
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
  const year = parts['era']?.startsWith('B') ? 1 - Number(parts['year']) : Number(parts['year'])
  const date = new Date(0)
  date.setUTCFullYear(year, Number(parts['month']) - 1, Number(parts['day']))
  return date.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']))
}
