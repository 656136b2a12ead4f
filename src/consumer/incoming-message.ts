import { AsyncResource } from 'node:async_hooks'
import type { Arrival } from '../broker.js'
import { readyAt } from '../message/delayed-message.js'
import { decodeEnvelope, type Envelope } from '../message/envelope.js'
import type { Claim } from './copies/duplicates.js'

/** An arrival on its way to a handler. */
export interface IncomingMessage {
  readonly arrival: Arrival
  readonly envelope: Envelope
  /** When it should arrive: for a foreign message, when it arrived. */
  readonly dueAt: number
  /** Not to be handled before: {@link dueAt}, or the instant of its retry. */
  readonly readyAt: number
  /** From when on it could be handled. */
  arrivedAt: number
  /**
   * Where it arrived, for its handler and its publishes: an instrumentation of amqplib has its trace there. What lets a handler
   * start is another message, or a timer.
   */
  readonly context: AsyncResource
  state: IncomingState
}

/** Only a message with a claim is handed to its handler. */
export type IncomingState =
  /** Early, or to be looked at again later. */
  | { readonly kind: 'held' }
  /** Its handler may start as soon as it has a claim, and a handler is free. */
  | { readonly kind: 'ready' }
  /** Waits for the outcome of a running copy. */
  | { readonly kind: 'following' }
  /** No copy is handled meanwhile. Waits for a free handler, or is handled. */
  | Claim

export const HELD: IncomingState = { kind: 'held' }
export const READY: IncomingState = { kind: 'ready' }
export const FOLLOWING: IncomingState = { kind: 'following' }

/** @param now by the wall clock */
export function incomingOf(arrival: Arrival, now: number): IncomingMessage {
  const envelope = decodeEnvelope(arrival)
  const due = { dueAt: envelope.dueAt ?? now, readyAt: readyAt(envelope), arrivedAt: now }
  return { arrival, envelope, ...due, context: new AsyncResource('dueque.delivery'), state: READY }
}
