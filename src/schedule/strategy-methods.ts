import type { Strategy } from '../strategies/strategy.js'
import type { CancelResult } from './cancel-result.js'
import { cancellationMethods, type CancellationSettings } from './cancellation-methods.js'
import type { CancelTarget } from './target.js'
import type { CancelMethods, StrategyMethods } from './waiting.js'
import { viewMethods } from './view-methods.js'
import { waitlistMethods } from './waitlist-methods.js'

/** The parts of a strategy that methods of `mq` are assembled from. */
type Facets = Pick<Strategy, 'name' | 'limits' | 'waitlist' | 'cancellations' | 'journal'>

export interface MethodSettings extends CancellationSettings {
  /** Called with each answer. */
  onCancelled: (id: string, outcome: CancelResult) => void
}

/** The methods that the facets of a strategy allow, for one message each. A waitlist comes first: its answers are exact. */
export function strategyMethods<F extends Facets>(
  strategy: F,
  settings: MethodSettings,
): Omit<StrategyMethods<F>, 'cancelAll'> {
  const { waitlist, cancellations, journal } = strategy
  const methods = waitlist
    ? waitlistMethods(strategy, waitlist, settings.now)
    : cancellations && cancellationMethods({ ...strategy, cancellations }, settings)
  const views = journal && viewMethods(journal, settings.marginMs)
  const all = methods ? { ...methods, ...views, ...telling(methods, settings.onCancelled) } : {}
  return all as Omit<StrategyMethods<F>, 'cancelAll'>
}

/** The methods that cancel, which tell their answer. */
function telling(
  methods: Omit<CancelMethods, 'cancelAll'>,
  tell: MethodSettings['onCancelled'],
): Omit<CancelMethods, 'cancelAll'> {
  return {
    async cancel(target) {
      const outcome = await methods.cancel(target)
      tell(idOf(target), outcome)
      return outcome
    },
    async reschedule(target, due, content) {
      const rescheduled = await methods.reschedule(target, due, content)
      tell(idOf(target), rescheduled?.replaced ?? 'not-waiting')
      return rescheduled
    },
  }
}

/** Of a target that was checked. */
function idOf(target: CancelTarget): string {
  return typeof target === 'string' ? target : target.id
}
