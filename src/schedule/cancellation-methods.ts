import type { CancellationRecord } from '../cancellation/record.js'
import type { Cancellations } from '../strategies/cancellations.js'
import { latestRevision } from './revision.js'
import { checkTarget, type ResolvedTarget } from './target.js'
import type { CancelMethods, CancelResult } from './waiting.js'

export interface CancellationSettings {
  now: () => number
  /** How long before the due time a record must be confirmed for the answer `cancelled`. */
  marginMs: number
}

/** The methods of a strategy that keeps a log of cancellations. */
export function cancellationMethods(log: Cancellations, { now, marginMs }: CancellationSettings): CancelMethods {
  return {
    async cancel(target) {
      const resolved = checkTarget(target)
      await log.write(recordOf(resolved, now()))
      return answer(resolved.dueAt, now(), marginMs)
    },
  }
}

function recordOf({ id, revision, dueAt: due }: ResolvedTarget, now: number): CancellationRecord {
  return revision === undefined ? { id, upTo: latestRevision(now), due } : { id, revision, due }
}

function answer(dueAt: number | undefined, confirmedAt: number, marginMs: number): CancelResult {
  if (dueAt === undefined) return 'unknown'
  return confirmedAt + marginMs <= dueAt ? 'cancelled' : 'too-late'
}
