import { UNITS } from './rungs.js'
import { MAX_DELAY_MS } from '../../message/due.js'

/** A delay in the ladder's mixed radix: one digit for each unit, smallest unit first. */
export type Digits = readonly number[]

/**
 * How late rounding may make a delay: 0.1 % of it, at least 10 ms (the smallest rung), at most 1 s.
 */
export function defaultTolerance(delayMs: number): number {
  return Math.min(Math.max(delayMs * 0.001, 10), 1000)
}

/** What a wait on the rungs may add up to: at least `leastMs`, at most `toleranceMs` more. */
export interface Window {
  readonly leastMs: number
  readonly toleranceMs: number
}

/**
 * What the broker may take for its last steps without taking it from a lead below a second:
 * docs/decisions/030-the-broker-has-time-of-its-own.md.
 */
const TRANSIT_MS = 25
/** Where the tolerance saves a rung, or whole seconds are waited for, the wait ends at least this much before due. */
const HANDOVER_MS = 50
/** The smallest rung. */
const STEP_MS = 10
/** From this lead on, whole seconds are waited for. */
const LONG_LEAD_MS = 1000

/**
 * The wait for a delay. Without a lead at least the delay. With one the first step of {@link roundingOf} the lead that leaves
 * the consumer no more than {@link longestLead}; more only as far as the tolerance has it, and {@link HANDOVER_MS} are left.
 */
export function windowFor(delayMs: number, leadMs: number, tolerance: (delayMs: number) => number): Window {
  const toleranceMs = Math.max(0, tolerance(delayMs)) || 0
  if (leadMs === 0) return { leastMs: delayMs, toleranceMs }
  const stepMs = roundingOf(leadMs)
  const leastMs = Math.ceil((delayMs - longestLead(leadMs)) / stepMs) * stepMs
  return { leastMs, toleranceMs: Math.max(0, Math.min(toleranceMs, delayMs - HANDOVER_MS - leastMs)) }
}

/**
 * How early the broker may hand over: by the lead, what it takes itself, and what the wait is rounded down by. A lead of a
 * second or more has room for the other two.
 */
export function longestLead(leadMs: number): number {
  if (leadMs === 0) return 0
  const stepMs = roundingOf(leadMs)
  return leadMs < LONG_LEAD_MS ? leadMs + TRANSIT_MS + stepMs - 1 : Math.max(leadMs, stepMs + HANDOVER_MS)
}

/** Of what the rungs in use are multiples. */
export function stepOf(leadMs: number): number {
  return leadMs === 0 ? STEP_MS : roundingOf(leadMs)
}

/** A tenth of the wait queues below a second take the same load: docs/decisions/028-a-lead-takes-no-small-rungs.md. */
function roundingOf(leadMs: number): number {
  return leadMs < LONG_LEAD_MS ? 100 : 1000
}

/**
 * How long a sender without a lead waits itself, 0 to 9 ms, so that the rungs for the rest of the delay round nothing up:
 * nothing, where they round up to whole seconds or more.
 */
export function sliverOf({ leastMs, toleranceMs }: Window): number {
  if (!(leastMs > 0 && leastMs <= MAX_DELAY_MS) || sumFor(leastMs, toleranceMs) % UNITS[1]!.stepMs === 0) return 0
  return leastMs % STEP_MS
}

/**
 * What the rungs for a delay add up to: a sum in [delayMs, delayMs + toleranceMs] of as few non-zero digits as can be, and
 * of those the smallest. Never less than the delay.
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

/** A delay rounded up to each unit, as far as the tolerance has it. */
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
