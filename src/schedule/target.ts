import { isInteger } from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import type { CancelTarget } from '../strategies/cancellations.js'
import type { Receipt } from '../message/receipt.js'

/**
 * The schedule that a receipt names, or all schedules under an id.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function checkTarget(target: unknown): CancelTarget {
  if (typeof target === 'string' && target !== '') return { id: target, revision: undefined, dueAt: undefined }
  const { id, revision, dueAt } = (target ?? {}) as Partial<Receipt>
  if (typeof id === 'string' && id !== '' && isInteger(revision)) {
    const at = Date.parse(String(dueAt))
    return { id, revision, dueAt: Number.isNaN(at) ? undefined : at }
  }
  throw invalidOption('target', 'a receipt or an id', target)
}
