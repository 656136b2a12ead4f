import type { Receipt } from '../../../index.js'
import { shown } from '../../../base/errors.js'
import { CommandError } from '../../exit.js'
import { hasStore, type StoreSettings } from '../../stores/store-options.js'

/** What a command means by an id, and by a revision and a due time if it has them. */
export function targetOf(id: string, revision: number | undefined, dueAt?: string): Receipt | string {
  if (revision === undefined && dueAt === undefined) return id
  // All that is looked at of a receipt.
  return { id, ...(revision !== undefined && { revision }), ...(dueAt !== undefined && { dueAt }) } as Receipt
}

export function notWaiting(id: string): CommandError {
  return new CommandError('NOT_WAITING', `no message with id ${shown(id)} waits`)
}

/** A store has every message that waits in it; a journal has those that were scheduled with one. */
export function notFound(id: string, settings: StoreSettings): CommandError {
  if (hasStore(settings)) return notWaiting(id)
  const text = `the journal has no waiting message with id ${shown(id)}: none waits, or it was scheduled without a journal`
  return new CommandError('NOT_WAITING', text)
}
