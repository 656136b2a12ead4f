import { DuequeError, isDuequeError } from '../base/errors.js'
import type { Destination } from './destination.js'
import { readyAt, type DelayedMessage } from './delayed-message.js'
import { isoTime } from './iso-time.js'

/** Proof that a message waits, and what is needed to speak of it later. Plain JSON: keep it where you like. */
export interface Receipt {
  id: string
  /** ISO 8601 in UTC. */
  dueAt: string
  /** Of two schedules under one id the later has the greater revision. */
  revision: number
  destination: Destination
  /**
   * Until then a cancellation is in time, in ISO 8601 and UTC: the due time, and with a strategy that keeps a log of
   * cancellations the margin before it (`connect({ cancellations: { marginMs } })`). Missing with a strategy that cannot cancel.
   * For your information: the methods that take a receipt ignore it.
   */
  cancellableUntil?: string | undefined
}

/** @param withinMs how long before its time it can be cancelled for sure; undefined if it cannot */
export function receiptOf(message: Omit<DelayedMessage, 'body'>, withinMs: number | undefined): Receipt {
  const { id, revision, destination } = message
  const dueAt = isoTime(message.dueAt)
  if (withinMs === undefined) return { id, dueAt, revision, destination }
  const until = readyAt(message) - withinMs
  return { id, dueAt, revision, destination, cancellableUntil: until === message.dueAt ? dueAt : isoTime(until) }
}

declare module '../base/errors.js' {
  interface DuequeErrorOptions {
    /**
     * Of a schedule whose outcome is unknown: what to repeat it with. Of a `reschedule` that may have left two messages: the
     * receipt of the new one.
     */
    receipt?: Receipt
  }
}

/** The error of one schedule: a copy with its receipt, since many schedules may share an error. */
export function withReceipt(error: unknown, receipt: Receipt): unknown {
  if (!isDuequeError(error) || error.outcome !== 'unknown') return error
  const { code, message, data, cause, outcome } = error
  return new DuequeError(code, message, data, { cause, outcome, receipt })
}
