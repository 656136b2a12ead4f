import { errorText, stackOf } from '../base/errors.js'
import { HEADER, type Headers } from './headers.js'

/** Why a message was given up. Frozen: docs/wire-format.md. */
export const DEAD_REASONS = [
  'handler-error',
  'handler-timeout',
  'dead-lettered',
  'invalid-payload',
  'unknown-message',
  'unknown-version',
  'expired',
  'invalid-due',
  'delivery-limit',
  'unreadable-batch',
] as const

export type DeadReason = (typeof DEAD_REASONS)[number]

/** What is written on a dead message. */
export interface Death {
  reason: DeadReason
  /** Cut to 1000 characters. */
  error: string
  /** Where it was thrown, if a handler threw it. Cut to 4000 bytes. */
  stack?: string | undefined
  /** Milliseconds since the epoch. */
  at: number
  /** When a handler first failed with it, for the last time at {@link at}. Missing if none has. */
  firstFailedAt?: number | undefined
}

export const MAX_DEATH_TEXT = 1000
export const MAX_DEATH_STACK_BYTES = 4000

/** Gives a message up without an attempt: the message is at fault, and no handler has failed. */
export class Refusal extends Error {
  readonly reason: DeadReason

  constructor(reason: DeadReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** A refusal has no stack: it would show dueque's own code. */
export function deathOf(reason: DeadReason, error: unknown, at: number): Death {
  const stack = error instanceof Refusal ? undefined : stackOf(error, MAX_DEATH_STACK_BYTES)
  return { reason, error: errorText(error).slice(0, MAX_DEATH_TEXT), at, ...(stack !== undefined && { stack }) }
}

export function deathHeaders({ reason, error, stack, at, firstFailedAt }: Death): Headers {
  return {
    [HEADER.reason]: reason,
    [HEADER.error]: error,
    [HEADER.deadAt]: at,
    ...(stack !== undefined && { [HEADER.stack]: stack }),
    ...(firstFailedAt !== undefined && { [HEADER.firstFailed]: firstFailedAt, [HEADER.lastFailed]: at }),
  }
}
