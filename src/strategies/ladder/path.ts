import { MAX_DELAY_MS } from '../../message/due.js'
import { UNITS } from './rungs.js'

/** A delay in the ladder's mixed radix: one digit for each unit, smallest unit first. */
export type Digits = readonly number[]

/**
 * How late rounding may make a delay: 0.1 % of it, at least 10 ms (the smallest rung), at most 1 s.
 */
export function defaultTolerance(delayMs: number): number {
  return Math.min(Math.max(delayMs * 0.001, 10), 1000)
}

/** How long a message may wait on the rungs: at least `leastMs`, at most `toleranceMs` more. */
export interface WaitRange {
  readonly leastMs: number
  readonly toleranceMs: number
}

/** Added to a lead below a second, for the broker's own last steps: docs/decisions/030-the-broker-has-time-of-its-own.md. */
const TRANSIT_MS = 25
/** If the tolerance saves a rung, or the wait is in whole seconds, the wait ends at least this much before due. */
const HANDOVER_MS = 50
/** The smallest rung. */
const STEP_MS = 10
/** From this lead on, the wait is in whole seconds. */
const LONG_LEAD_MS = 1000

/**
 * The wait for a delay. Without a lead it is at least the delay. With a lead it is the first step of {@link roundingOf} the
 * lead that leaves the consumer no more than {@link longestLead}. It may be longer within the tolerance, if
 * {@link HANDOVER_MS} are left.
 */
export function waitRangeFor(delayMs: number, leadMs: number, tolerance: (delayMs: number) => number): WaitRange {
  const toleranceMs = Math.max(0, tolerance(delayMs)) || 0
  if (leadMs === 0) return { leastMs: delayMs, toleranceMs }
  const stepMs = roundingOf(leadMs)
  const leastMs = Math.ceil((delayMs - longestLead(leadMs)) / stepMs) * stepMs
  return { leastMs, toleranceMs: Math.max(0, Math.min(toleranceMs, delayMs - HANDOVER_MS - leastMs)) }
}

/**
 * How early the broker may hand a message over: by the lead, by its own time, and by the rounding of the wait. A lead of a
 * second or more has room for the last two.
 */
export function longestLead(leadMs: number): number {
  if (leadMs === 0) return 0
  const stepMs = roundingOf(leadMs)
  return leadMs < LONG_LEAD_MS ? leadMs + TRANSIT_MS + stepMs - 1 : Math.max(leadMs, stepMs + HANDOVER_MS)
}

/** The rungs in use are multiples of this. */
export function stepOf(leadMs: number): number {
  return leadMs === 0 ? STEP_MS : roundingOf(leadMs)
}

/** Waits of whole seconds take no rung below a second. A lead moves the wait, and rounds it itself. */
export function cheapStepOf(leadMs: number): number | undefined {
  return leadMs === 0 ? UNITS[1]!.stepMs : undefined
}

/** A tenth of the wait queues below a second take the same load: docs/decisions/028-a-lead-takes-no-small-rungs.md. */
function roundingOf(leadMs: number): number {
  return leadMs < LONG_LEAD_MS ? 100 : 1000
}

/**
 * The odd milliseconds of a delay, 0 to 9, that a sender without a lead waits itself, so that the rungs need not round up
 * the rest of the delay. None if the rungs round up to whole seconds or more.
 */
export function oddMsOf({ leastMs, toleranceMs }: WaitRange): number {
  if (!(leastMs > 0 && leastMs <= MAX_DELAY_MS) || sumFor(leastMs, toleranceMs) % UNITS[1]!.stepMs === 0) return 0
  return leastMs % STEP_MS
}

/**
 * The sum of the rungs for a delay: the smallest sum in [delayMs, delayMs + toleranceMs] with the fewest non-zero digits.
 * Never less than the delay.
 *
 * It is enough to look at the delay rounded up to each unit: let x be any sum in the range, p the highest digit in which
 * x exceeds the delay; then the delay rounded up to p is no more than x and has no more non-zero digits.
 */
export function sumFor(delayMs: number, toleranceMs: number): number {
  let best = -1
  let fewest = Infinity
  for (const { stepMs } of UNITS) {
    const sum = Math.ceil(delayMs / stepMs) * stepMs
    if (best >= 0 && sum > Math.min(delayMs + toleranceMs, MAX_DELAY_MS)) break
    const used = countDigits(sum)
    if (used < fewest) [best, fewest] = [sum, used]
  }
  return best
}

/** A delay rounded up to each unit, within the tolerance. */
export function sumsFor(delayMs: number, toleranceMs: number): number[] {
  if (!(delayMs > 0)) return []
  const sums = UNITS.map(({ stepMs }) => Math.ceil(delayMs / stepMs) * stepMs)
  return [...new Set(sums)].filter((sum) => sum <= Math.min(delayMs + toleranceMs, MAX_DELAY_MS))
}

function countDigits(sum: number): number {
  let used = 0
  let rest = sum
  for (let i = UNITS.length - 1; i >= 0 && rest > 0; i--) {
    const { stepMs } = UNITS[i]!
    if (rest >= stepMs) used++
    rest %= stepMs
  }
  return used
}

/** A sum of rungs, digit by digit. */
export function digitsOf(sum: number): Digits {
  const digits = new Array<number>(UNITS.length)
  let rest = sum
  for (let i = UNITS.length - 1; i >= 0; i--) {
    const { stepMs } = UNITS[i]!
    digits[i] = Math.floor(rest / stepMs)
    rest %= stepMs
  }
  return digits
}
