import type { Destination } from './destination.js'
import type { Headers } from './headers.js'

/** A message on its way: everything that travels, in plain values. The wire format is docs/wire-format.md. */
export interface DelayedMessage {
  readonly id: string
  readonly name: string
  /** Of the schema. */
  readonly version: number
  readonly body: Uint8Array
  readonly destination: Destination
  /** Milliseconds since the epoch, as are the next three. */
  readonly dueAt: number
  readonly scheduledAt: number
  /** Useless from here on: goes to the dead queue instead of the handler. */
  readonly expiresAt: number | undefined
  /** Milliseconds of scheduling × 1000 and a random part: of two revisions of an id, the later is the greater. */
  readonly revision: number
  /** Counts deliveries to a handler, from 1. */
  readonly attempt: number
  /** Not to be handled again before this instant, in milliseconds since the epoch, as are the next two. */
  readonly retryAt?: number | undefined
  /** When a handler first and last failed with it. */
  readonly firstFailedAt?: number | undefined
  readonly lastFailedAt?: number | undefined
  /** What a consumer sees, if it is not the destination's: kept when an arrival is sent on. */
  readonly routingKey?: string | undefined
  readonly headers: Headers
  readonly priority: number | undefined
  readonly correlationId: string | undefined
  readonly dedupeKey: string | undefined
  /** How often it was sent again because an exchange had no route for it. @default 0 */
  readonly rescues?: number
  /**
   * Routing keys beside its own, for the destination's exchange. They travel hidden from consumers. Keys that dueque keeps
   * for itself are left out.
   */
  readonly furtherKeys?: readonly string[]
  /**
   * Further AMQP properties of a message that a foreign producer sent, kept when it is sent on: `contentEncoding`, `replyTo`,
   * `appId`, `clusterId`.
   */
  readonly properties?: Readonly<Record<string, unknown>>
}

/** The routing key that the consumer sees. */
export function routingKeyOf({ routingKey, destination }: Pick<DelayedMessage, 'routingKey' | 'destination'>): string {
  return routingKey ?? destination.queue ?? destination.routingKey ?? ''
}

/** From when on a message may be handled: when it is due, or its retry is. Milliseconds since the epoch. */
export function readyAt({ dueAt, retryAt = 0 }: { dueAt: number | undefined; retryAt?: number | undefined }): number {
  return Math.max(dueAt ?? 0, retryAt)
}
