/** Each unit with the next smaller one, in which the rest is told. */
const UNITS = [
  { name: 'd', ms: 86_400_000, rest: 'h', restMs: 3_600_000 },
  { name: 'h', ms: 3_600_000, rest: 'min', restMs: 60_000 },
  { name: 'min', ms: 60_000, rest: 's', restMs: 1000 },
] as const

/** A duration for people, rounded: `850 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. @param ms may be below zero */
export function durationText(ms: number): string {
  if (ms < 0) return `-${durationText(-ms)}`
  if (ms < 999.95) return `${tenths(ms)} ms`
  if (ms < 59_950) return `${tenths(ms / 1000)} s`
  const { name, ms: unitMs, rest, restMs } = UNITS.find((unit) => Math.round(ms / 1000) * 1000 >= unit.ms)!
  const rests = Math.round(ms / restMs)
  const whole = Math.floor((rests * restMs) / unitMs)
  const left = rests - (whole * unitMs) / restMs
  return left === 0 ? `${whole} ${name}` : `${whole} ${name} ${left} ${rest}`
}

const SHORT_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** A duration exactly, as an option takes it: `1d2h`, `0ms`. */
export function optionText(ms: number): string {
  let rest = ms
  const parts = SHORT_UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count > 0 ? [`${count}${unit}`] : []
  })
  return parts.join('') || '0ms'
}

/** How far away an instant is, in one unit: `in 3 h`, `5 min ago`, or `now` within a second. @param ms below zero for the past */
export function distanceText(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1000) return 'now'
  const units = [...UNITS, { name: 's', ms: 1000 }] as const
  const { name, ms: unitMs } = units.find((unit, i) => size >= unit.ms || roundsUp(size, units[i + 1], unit.ms))!
  const text = `${Math.round(size / unitMs)} ${name}`
  return ms < 0 ? `${text} ago` : `in ${text}`
}

/** Whether a duration is a whole larger unit when it is rounded to the smaller one. */
function roundsUp(ms: number, smaller: { readonly ms: number } | undefined, largerMs: number): boolean {
  return smaller !== undefined && Math.round(ms / smaller.ms) * smaller.ms >= largerMs
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
