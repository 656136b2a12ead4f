import type { DeadReason } from '../message/death.js'

/** What is to become of a message after its handler has ended, or instead of its handler. */
export type HandlingOutcome =
  | { readonly kind: 'handled' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: unknown; readonly failed: boolean }
  | { readonly kind: 'dead'; readonly reason: DeadReason; readonly error: unknown; readonly failed: boolean }
  /** Back to the queue: its handler was told to stop, or the broker has taken it back. */
  | { readonly kind: 'requeue' }
  /** Acknowledged without a handler: it is cancelled. Copies with the same dedupe key may be handled. */
  | { readonly kind: 'dropped' }

/** A message that is published again: for its next attempt, for the dead queue, or, of a batch, as a message of its own. */
export type Resend =
  (HandlingOutcome & { kind: 'retry' | 'dead' }) | { readonly kind: 'single'; readonly failed?: undefined }

export const HANDLED: HandlingOutcome = { kind: 'handled' }
export const REQUEUE: HandlingOutcome = { kind: 'requeue' }
export const DROPPED: HandlingOutcome = { kind: 'dropped' }
