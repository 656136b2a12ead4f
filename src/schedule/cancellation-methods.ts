import type { CancelResult, Cancellations } from '../strategies/cancellations.js'
import { checkTarget } from './target.js'
import type { CancelMethods } from './waiting.js'

/** The methods of a strategy that writes a log of cancellations. */
export function cancellationMethods(cancellations: Cancellations): CancelMethods<CancelResult> {
  return {
    // Async, so that a target that cannot be used is a rejection.
    async cancel(target) {
      return cancellations.cancel(checkTarget(target))
    },
  }
}
