import type { DeadReason } from '../message/death.js'
import { readyAt } from '../message/delayed-message.js'
import type { Envelope } from '../message/envelope.js'
import { LONGEST_HOLD_MS } from '../message/put-back.js'

/** What a gate does with a message at this moment. */
export type GateDecision =
  /** `wait`: for the gate to open. Then it is decided again, as after a hold. */
  | { readonly kind: 'drop' | 'wait' | 'forward' }
  | { readonly kind: 'hold'; readonly until: number }
  | { readonly kind: 'put back'; readonly earlyMs: number }
  | { readonly kind: 'dead'; readonly reason: DeadReason; readonly error: string }

/** How things stand at that moment. */
export interface GateView {
  /** By the wall clock. */
  readonly now: number
  /** Every cancellation is read. */
  readonly isOpen: boolean
  readonly isCancelled: boolean
  /** The longest wait of the strategy. */
  readonly maxDelayMs: number
}

/** A record that was read stays true, so that a cancelled message need not wait. Only due messages need a gate that is open. */
export function decideAtGate(
  envelope: Pick<Envelope, 'dueAt' | 'retryAt' | 'expiresAt'>,
  { now, isOpen, isCancelled, maxDelayMs }: GateView,
): GateDecision {
  if (isCancelled) return { kind: 'drop' }
  const until = readyAt(envelope)
  const earlyMs = until - now
  if (earlyMs > maxDelayMs) {
    return { kind: 'dead', reason: 'invalid-due', error: `due in ${earlyMs} ms: no message can wait that long` }
  }
  if (earlyMs > LONGEST_HOLD_MS) return { kind: 'put back', earlyMs }
  if (earlyMs > 0) return { kind: 'hold', until }
  if (!isOpen) return { kind: 'wait' }
  const { expiresAt = Infinity } = envelope
  if (now < expiresAt) return { kind: 'forward' }
  return { kind: 'dead', reason: 'expired', error: `expired ${now - expiresAt} ms before it could be forwarded` }
}
