/**
 * The times of a cron pattern by a clock that is looked at every minute, or every second: as slow as can be, and without any code of
 * src. It reads lists, ranges, steps, names of days, `L` and `#`.
 */
export function oracleTimes(cron: string, tz: string, from: number, to: number): number[] {
  const fields = cron.split(' ')
  const steps = fields.length === 6 ? 1000 : 60_000
  const [second, minute, hour] = fields.length === 6 ? fields : ['0', ...fields]
  const isFixed = !/[*/]/.test(`${second} ${minute} ${hour}`)
  const fits = matcher(fields.length === 6 ? fields : ['0', ...fields])
  const times: number[] = []
  // Long enough to have seen a clock that is set back.
  let highest = -Infinity
  for (let at = from - 2 * 86_400_000; at < to; at += steps) {
    const shown = at + offsetAt(tz, at)
    if (!isFixed) {
      if (at >= from && fits(shown)) times.push(at)
      continue
    }
    // What is shown for the first time, and what was skipped for it.
    let isDue = false
    const first = highest === -Infinity ? shown : highest + steps
    for (let wall = first; wall <= shown; wall += steps) isDue = fits(wall) || isDue
    highest = Math.max(highest, shown)
    if (isDue && at >= from) times.push(at)
  }
  return times
}

const [QUARTER_MS, BLOCK_MS] = [15 * 60_000, 6 * 3_600_000]
const blocks = new Map<string, Map<number, readonly number[]>>()
const formats = new Map<string, Intl.DateTimeFormat>()

/** In the years that are tested, clocks change at full quarters of an hour, and not twice in six hours. */
function offsetAt(tz: string, at: number): number {
  const block = Math.floor(at / BLOCK_MS) * BLOCK_MS
  const known = blocks.get(tz) ?? new Map<number, readonly number[]>()
  blocks.set(tz, known)
  const offsets = known.get(block) ?? offsetsFrom(tz, block)
  known.set(block, offsets)
  return offsets[Math.floor((at - block) / QUARTER_MS) % offsets.length]!
}

/** One for all quarters of a block, or one for each. */
function offsetsFrom(tz: string, block: number): readonly number[] {
  const offset = (at: number) => Date.parse(`${textOf(tz, at)}Z`) - at
  if (offset(block) === offset(block + BLOCK_MS)) return [offset(block)]
  return Array.from({ length: BLOCK_MS / QUARTER_MS }, (_, i) => offset(block + i * QUARTER_MS))
}

/** Such as `2026-03-08 02:30:00`. */
function textOf(tz: string, at: number): string {
  const format =
    formats.get(tz) ?? new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short', timeStyle: 'medium' })
  formats.set(tz, format)
  return format.format(at)
}

/** Whether a wall clock that is read as UTC fits. */
function matcher(fields: readonly string[]): (shown: number) => boolean {
  const [seconds, minutes, hours] = [60, 60, 24].map((end, i) => allowed(fields[i]!, 0, end - 1))
  const months = allowed(fields[4]!, 1, 12)
  const fitsDay = remembered((day) => {
    const date = new Date(day * 86_400_000)
    return months.has(date.getUTCMonth() + 1) && fitsDate(date, fields[3]!, fields[5]!)
  })
  return (shown) => {
    const second = Math.floor(shown / 1000)
    if (!seconds!.has(second % 60) || !minutes!.has(Math.floor(second / 60) % 60)) return false
    return hours!.has(Math.floor(second / 3600) % 24) && fitsDay(Math.floor(second / 86_400))
  }
}

function remembered<T>(compute: (key: number) => T): (key: number) => T {
  const known = new Map<number, T>()
  return (key) => {
    const value = known.get(key) ?? compute(key)
    known.set(key, value)
    return value
  }
}

function fitsDate(date: Date, dates: string, weekdays: string): boolean {
  const byDate = dates.split(',').some((item) => isDate(date, item))
  const byWeekday = weekdays.split(',').some((item) => isWeekday(date, item))
  return dates !== '*' && weekdays !== '*' ? byDate || byWeekday : byDate && byWeekday
}

function isDate(date: Date, item: string): boolean {
  const tomorrow = new Date(date.getTime() + 86_400_000)
  return item === 'L' ? tomorrow.getUTCDate() === 1 : allowed(item, 1, 31).has(date.getUTCDate())
}

function isWeekday(date: Date, item: string): boolean {
  const [weekday = '', nth] = item.split('#')
  const named = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'].reduce(
    (text, name, i) => text.replace(name, String(i)),
    weekday,
  )
  // A step without an end stops on Saturday.
  const days = allowed(named, 0, /^\d\//.test(named) ? 6 : 7)
  if (!days.has(date.getUTCDay()) && !(date.getUTCDay() === 0 && named !== '*' && days.has(7))) return false
  if (nth === undefined) return true
  const week = new Date(date.getTime() + 7 * 86_400_000)
  return nth === 'L' ? week.getUTCMonth() !== date.getUTCMonth() : Math.ceil(date.getUTCDate() / 7) === Number(nth)
}

/** The values from `min` to `max` that one of the items with commas between them allows. */
function allowed(field: string, min: number, max: number): Set<number> {
  const values = Array.from({ length: max - min + 1 }, (_, i) => min + i)
  return new Set(values.filter((value) => field.split(',').some((item) => allows(item, value, min))))
}

function allows(item: string, value: number, min: number): boolean {
  const [range = '', step] = item.split('/')
  const [low = '', high] = range.split('-')
  const start = range === '*' ? min : Number(low)
  const end = range === '*' || (step !== undefined && high === undefined) ? Infinity : Number(high ?? low)
  return value >= start && value <= end && (value - start) % Number(step ?? 1) === 0
}

/** Zones with unlike changes of the clocks: an hour and half an hour, at night and at midnight, and back for Ramadan. */
export const ODD_ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/Santiago',
]
