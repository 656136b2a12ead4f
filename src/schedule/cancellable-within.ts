import type { Strategy } from '../strategies/strategy.js'

/** How many milliseconds before its due time a message can be cancelled for sure. Undefined if it cannot be cancelled. */
export function cancellableWithin(
  { waitlist, cancellations }: Pick<Strategy, 'waitlist' | 'cancellations'>,
  marginMs: number,
): number | undefined {
  if (waitlist) return 0
  return cancellations && marginMs
}
