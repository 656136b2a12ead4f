import type { Strategy } from '../strategies/strategy.js'
import { cancellationMethods } from './cancellation-methods.js'
import type { StrategyMethods } from './waiting.js'
import { waitlistMethods } from './waitlist-methods.js'

/** The parts of a strategy that methods of `mq` are assembled from. */
type Facets = Pick<Strategy, 'name' | 'limits' | 'waitlist' | 'cancellations'>

/** The methods that the facets of a strategy allow. A waitlist comes first: its answers are exact. */
export function strategyMethods<F extends Facets>(strategy: F, now: () => number): StrategyMethods<F> {
  const { waitlist, cancellations } = strategy
  const methods = waitlist
    ? waitlistMethods(strategy, waitlist, now)
    : cancellations
      ? cancellationMethods(cancellations)
      : {}
  return methods as StrategyMethods<F>
}
