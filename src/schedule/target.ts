import { isInteger } from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import type { Destination } from '../message/destination.js'
import { parseInstant } from '../message/due.js'
import type { Receipt } from '../message/receipt.js'
import { checkText } from './schedule-options.js'

/**
 * The messages that a cancellation concerns. A receipt names one schedule and its retries. An id names all schedules under
 * it up to now. Give the latest `dueAt` of these if you know it: with a log of cancellations the answer is `unknown` without it,
 * and a message that is due in more than 30 days is handled all the same.
 */
export type CancelTarget = Receipt | { id: string; dueAt?: string | Date | undefined } | string

/** A checked target. */
export interface ResolvedTarget {
  readonly id: string
  /** Undefined for all schedules up to now. */
  readonly revision: number | undefined
  /** Milliseconds since the epoch. */
  readonly dueAt: number | undefined
  /** Of a receipt, as it was given. */
  readonly destination: Destination | undefined
}

/** @throws DuequeError `INVALID_OPTION`, `INVALID_DUE`, `NAME_TOO_LONG` */
export function checkTarget(target: unknown): ResolvedTarget {
  const { id, revision, dueAt, destination } = (
    typeof target === 'string' ? { id: target } : (target ?? {})
  ) as Partial<Receipt>
  if (id === undefined || id === '' || (revision !== undefined && !isInteger(revision, 0)))
    throw invalidOption('target', 'a receipt, { id, dueAt } or an id', target)
  checkText('target.id', id)
  const due = dueAt === undefined ? undefined : Math.ceil(parseInstant(dueAt, 'target.dueAt'))
  return { id, revision, dueAt: due, destination }
}
