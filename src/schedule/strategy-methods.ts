import type { Strategy } from '../strategies/strategy.js'
import type { CancelResult } from './cancel-result.js'
import type { Due } from '../message/due.js'
import { cancellationMethods, type CancellationSettings } from './cancellation-methods.js'
import type { BulkInfo, CancelInfo } from '../telemetry.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import { checkTarget, type CancelTarget } from './target.js'
import { dueAndTransaction, transactionOf, type TransactionOptions } from './transaction-options.js'
import type { WaitMethods } from './waiting.js'
import { viewMethods } from './view-methods.js'
import { waitlistMethods, type ChangeMethods } from './waitlist-methods.js'

/** The parts of a strategy that methods of `mq` are assembled from. */
type Facets = Pick<Strategy, 'name' | 'limits' | 'waitlist' | 'cancellations' | 'journal' | 'checkTransaction'>

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
): Omit<WaitMethods<F>, 'cancelAll'> {
  const { waitlist, cancellations, journal } = strategy
  const methods = waitlist
    ? waitlistMethods(strategy, waitlist, settings.now)
    : cancellations && cancellationMethods({ ...strategy, cancellations }, settings)
  const views = journal && viewMethods(journal, settings.marginMs)
  const all = methods ? { ...methods, ...views, ...telling(strategy, methods, settings) } : {}
  return all as Omit<WaitMethods<F>, 'cancelAll'>
}

/** The methods that cancel, which tell their answer, inside the hooks of telemetry. */
function telling(
  strategy: Facets,
  methods: ChangeMethods,
  { onCancelled, hooks, bulk }: MethodSettings,
): Omit<ChangeMethods, 'cancel'> & {
  cancel(target: CancelTarget, options?: TransactionOptions): Promise<CancelResult>
} {
  return {
    async cancel(target, options) {
      const transaction = transactionOf(strategy, options)
      const cancel = async () => {
        const outcome = await methods.cancel(target, transaction)
        onCancelled(idOf(target), outcome)
        return outcome
      }
      return hooks?.has('cancel') ? hooks.cancel(infoOf(target, bulk), cancel) : cancel()
    },
    async reschedule(target, given: Due & TransactionOptions, content) {
      const [due, transaction] = dueAndTransaction(strategy, given)
      const reschedule = async () => {
        const rescheduled = await methods.reschedule(target, due, content, transaction)
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
