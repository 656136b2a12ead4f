import type { AsyncResource } from 'node:async_hooks'
import type { DuequeError } from '../../base/errors.js'
import type { BagItem } from '../../base/bag.js'
import type { PublishOptions } from '../../broker.js'
import type { Frame } from './frame-builder.js'
import type { PoisonCandidate } from './poison-search.js'

/** The part of a message that the publisher looks at. Id and revision are those of the frame: they tell which one was returned. */
export interface PublishedMessage {
  readonly id: unknown
  readonly revision: unknown
  readonly body: Uint8Array
}

/** Where and how a message is published. The plan is asked at each attempt, because time passes and declared parts vanish. */
export interface PublishPlan {
  /**
   * The frame for this very instant; or a promise of declarations, after which the plan is asked again. An error ends the
   * publication.
   */
  prepare(): Frame | Promise<void>
  /** From when on a confirm of the last frame can be relied on, by `performance.now()`. */
  safeAt(): number
  /** The stream into which the message goes, if it is one. */
  readonly stream?: string
}

/** Hears how a publication ended, once. Neither method throws. */
export interface PublicationEnd {
  /** RabbitMQ has taken responsibility for the message. */
  confirmed(): void
  failed(error: DuequeError): void
}

/** What the caller of a publish chooses for it. */
export type DeliveryOptions = Pick<PublishOptions, 'signal' | 'timeoutMs'>

/** Where a publication stands. The states that have no data are shared objects: {@link STATE}. */
export type PublicationState =
  /** It waits for its turn: first, again after a failed attempt, or alone as a possible poison message. */
  | { readonly kind: 'queued' }
  /** Its declarations, or its odd milliseconds, are awaited. */
  | { readonly kind: 'preparing' }
  /** It is on the wire, without an answer yet. */
  | { readonly kind: 'in-flight' }
  /** RabbitMQ returned it as unroutable. The confirm that follows is still to come. With an `error` it is not sent again. */
  | { readonly kind: 'returned'; readonly error: DuequeError | undefined }
  /** RabbitMQ answered, or the channel closed. What follows is decided in the same turn. */
  | { readonly kind: 'answered' }
  /** It waits before the next attempt. */
  | { readonly kind: 'backing-off' }
  /** It is confirmed by a queue that was declared a moment ago, and is reported when the confirm can be relied on. */
  | { readonly kind: 'held' }
  | { readonly kind: 'settled' }

export const STATE = {
  queued: { kind: 'queued' },
  preparing: { kind: 'preparing' },
  inFlight: { kind: 'in-flight' },
  answered: { kind: 'answered' },
  backingOff: { kind: 'backing-off' },
  held: { kind: 'held' },
  settled: { kind: 'settled' },
} as const satisfies Record<string, PublicationState>

/** A message from `publish` until it is confirmed or refused. */
export interface Publication extends PoisonCandidate, BagItem {
  readonly message: PublishedMessage
  readonly plan: PublishPlan
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  /** By `performance.now()`. */
  readonly startedAt: number
  readonly end: PublicationEnd
  state: PublicationState
  /** Of the last attempt, as is the next. */
  exchange: string
  /** What the topology knew then. */
  epoch: number
  /** When the last attempt was sent, by `performance.now()`. */
  sentAt: number
  /** Failed attempts. */
  attempts: number
  /** An earlier attempt got no answer: RabbitMQ may have the message. */
  isUnanswered: boolean
  /** Where `publish` was called, for each attempt: an instrumentation of amqplib finds the caller's trace there. */
  readonly context: AsyncResource
}

/** Whether RabbitMQ may have the message. */
export function mayHaveArrived({ state: { kind }, isUnanswered }: Publication): boolean {
  return isUnanswered || kind === 'in-flight' || kind === 'returned' || kind === 'held'
}
