import { MAX_DELAY_MS, UNITS } from './rungs.js'

/** A delay in the ladder's mixed radix: one digit for each unit, smallest unit first. */
export type Digits = readonly number[]

/**
 * How late rounding may make a delay: 0.1 % of it, at least 10 ms (the smallest rung), at most 1 s.
 */
export function defaultTolerance(delayMs: number): number {
  return Math.min(Math.max(delayMs * 0.001, 10), 1000)
}

/**
 * The rungs for a delay: digits whose sum is in [delayMs, delayMs + toleranceMs], with as few non-zero ones as can be,
 * and of those the smallest sum. Never less than the delay.
 *
 * It is enough to look at the delay rounded up to each unit: let x be any sum in the range, p the highest digit in which
 * x exceeds the delay; then the delay rounded up to p is no more than x and has no more non-zero digits.
 */
export function digitsFor(delayMs: number, toleranceMs: number): Digits {
  let best = -1
  let fewest = Infinity
  for (const { stepMs } of UNITS) {
    const sum = Math.ceil(delayMs / stepMs) * stepMs
    if (best >= 0 && sum > Math.min(delayMs + toleranceMs, MAX_DELAY_MS)) break
    const used = countDigits(sum)
    if (used < fewest) [best, fewest] = [sum, used]
  }
  return split(best)
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

function split(sum: number): number[] {
  const digits = new Array<number>(UNITS.length)
  let rest = sum
  for (let i = UNITS.length - 1; i >= 0; i--) {
    const { stepMs } = UNITS[i]!
    digits[i] = Math.floor(rest / stepMs)
    rest %= stepMs
  }
  return digits
}
