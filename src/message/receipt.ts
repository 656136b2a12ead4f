import { DuequeError, isDuequeError } from '../base/errors.js'
import type { Destination } from './destination.js'
import type { DelayedMessage } from './delayed-message.js'

/** Proof that a message waits, and what is needed to speak of it later. Plain JSON: keep it where you like. */
export interface Receipt {
  id: string
  /** ISO 8601 in UTC. */
  dueAt: string
  /** Of two schedules under one id the later has the greater revision. */
  revision: number
  destination: Destination
}

export function receiptOf({ id, dueAt, revision, destination }: DelayedMessage): Receipt {
  return { id, dueAt: new Date(dueAt).toISOString(), revision, destination }
}

declare module '../base/errors.js' {
  interface DuequeErrorOptions {
    /** Of a schedule whose outcome is unknown: what to repeat it with. */
    receipt?: Receipt
  }
}

/** The error of one schedule: a copy with its receipt, since many schedules may share an error. */
export function withReceipt(error: unknown, receipt: Receipt): unknown {
  if (!isDuequeError(error) || error.outcome !== 'unknown') return error
  const { code, message, data, cause, outcome } = error
  return new DuequeError(code, message, data, { cause, outcome, receipt })
}
