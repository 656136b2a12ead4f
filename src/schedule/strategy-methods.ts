import type { Strategy } from '../strategies/strategy.js'
import { cancellationMethods, type CancellationSettings } from './cancellation-methods.js'
import type { StrategyMethods } from './waiting.js'
import { waitlistMethods } from './waitlist-methods.js'

/** The parts of a strategy that methods of `mq` are assembled from. */
type Facets = Pick<Strategy, 'name' | 'limits' | 'waitlist' | 'cancellations'>

/** The methods that the facets of a strategy allow. A waitlist comes first: its answers are exact. */
export function strategyMethods<F extends Facets>(strategy: F, settings: CancellationSettings): StrategyMethods<F> {
  const { waitlist, cancellations } = strategy
  const methods = waitlist
    ? waitlistMethods(strategy, waitlist, settings.now)
    : cancellations
      ? cancellationMethods(cancellations, settings)
      : {}
  return methods as StrategyMethods<F>
}
