import type { Receipt } from '../../../index.js'
import { shown } from '../../../base/errors.js'
import { CommandError } from '../../exit.js'

/** What a command means by an id, and by a revision if it has one: up to that. */
export function targetOf(id: string, revision: number | undefined): Receipt | string {
  // All that is looked at of a receipt.
  return revision === undefined ? id : ({ id, revision } as Receipt)
}

export function notWaiting(id: string): CommandError {
  return new CommandError('NOT_WAITING', `no message with id ${shown(id)} waits`)
}
