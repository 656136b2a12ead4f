import type { Strategy } from '../strategies/strategy.js'
import type { CancelResult } from './cancel-result.js'
import { cancellationMethods, type CancellationSettings } from './cancellation-methods.js'
import type { BulkInfo, CancelInfo } from '../telemetry.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import { checkTarget, type CancelTarget } from './target.js'
import type { CancelMethods, StrategyMethods } from './waiting.js'
import { viewMethods } from './view-methods.js'
import { waitlistMethods } from './waitlist-methods.js'

/** The parts of a strategy that methods of `mq` are assembled from. */
type Facets = Pick<Strategy, 'name' | 'limits' | 'waitlist' | 'cancellations' | 'journal'>

export interface MethodSettings extends CancellationSettings {
  /** Called with each answer. */
  onCancelled: (id: string, outcome: CancelResult) => void
  hooks?: TelemetryHooks | undefined
  /** The run of many that the calls belong to. */
  bulk?: BulkInfo | undefined
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
  const all = methods ? { ...methods, ...views, ...telling(methods, settings) } : {}
  return all as Omit<StrategyMethods<F>, 'cancelAll'>
}

/** The methods that cancel, which tell their answer, inside the hooks of telemetry. */
function telling(
  methods: Omit<CancelMethods, 'cancelAll'>,
  { onCancelled, hooks, bulk }: MethodSettings,
): Omit<CancelMethods, 'cancelAll'> {
  return {
    async cancel(target) {
      const cancel = async () => {
        const outcome = await methods.cancel(target)
        onCancelled(idOf(target), outcome)
        return outcome
      }
      return hooks?.has('cancel') ? hooks.cancel(infoOf(target, bulk), cancel) : cancel()
    },
    async reschedule(target, due, content) {
      const reschedule = async () => {
        const rescheduled = await methods.reschedule(target, due, content)
        onCancelled(idOf(target), rescheduled?.replaced ?? 'not-waiting')
        return rescheduled
      }
      return hooks?.has('reschedule') ? hooks.reschedule(infoOf(target, bulk), reschedule) : reschedule()
    },
  }
}

function infoOf(target: CancelTarget, bulk: BulkInfo | undefined): CancelInfo {
  const { id, destination: to } = checkTarget(target)
  return { id, to, ...(bulk && { bulk }) }
}

/** Of a target that was checked. */
function idOf(target: CancelTarget): string {
  return typeof target === 'string' ? target : target.id
}
