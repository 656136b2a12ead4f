import type { DelayedMessage } from '../../message/delayed-message.js'
import type { DuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { StoreFaultCounts } from '../../health.js'
import type { Limits, OnConflict } from '../strategy.js'
import type { RecurringDefinitions } from '../recurring-definitions.js'
import type { Waitlist } from '../waitlist.js'

/**
 * A place outside of RabbitMQ in which messages wait, durable by its own means. A store knows nothing of RabbitMQ: a relay
 * claims due messages, publishes them, and settles those that RabbitMQ has confirmed.
 *
 * A message is waiting, or claimed, or gone. Claims are leases: a message that is not settled in time can be claimed
 * again, by any relay. All methods may be called by many processes at once. Each settles within the store's time-out, and rejects
 * with `STORE_ERROR`, whose `outcome` tells of {@link add} whether the message may wait. An entry that is no message, or one
 * of a later version, is left where it is and reported: no answer of a store holds it.
 */
export interface MessageStore extends Waitlist {
  readonly name: string
  readonly limits: Limits
  /** While less than a batch is due, a relay claims no more often than this. */
  readonly spacingMs: number
  /** Of recurring messages. */
  readonly definitions: RecurringDefinitions
  /** {@link watch} tells what is ready: a relay keeps no time, and only looks at the store after `backstopMs` besides. */
  readonly keepsTime?: boolean
  /** @throws DuequeError `STORE_ERROR`, `STORE_NOT_READY` */
  open(environment: StoreEnvironment): Promise<void>
  /**
   * Makes a message wait. One that waits already, by its `entryKey`, stays as it is; one that is claimed waits again, and
   * the claim can no longer settle it.
   *
   * @returns the message that waits instead, with `onConflict: 'ignore'`
   * @throws DuequeError `CONFLICT`
   */
  add(message: DelayedMessage, options: AddOptions): Promise<DelayedMessage | void>
  /**
   * Takes up to `limit` messages that are ready, the earliest first, and those whose lease is over, and keeps them from
   * others for `leaseMs` by the store's clock.
   */
  claim(request: ClaimRequest): Promise<Claim>
  /** Removes delivered messages, if the lease is still the given one. */
  settle(claimed: readonly ClaimedMessage[]): Promise<void>
  /** Lets messages that were certainly not delivered wait until `until`, by the store's clock, if the lease is still the given one. */
  postpone(claimed: readonly ClaimedMessage[], until: number): Promise<void>
  /**
   * Calls `listener` when some process has made a message wait that is ready before all others that waited, as far as the
   * store can tell: a hint that may be lost. Survives lost connections. Returns what ends it.
   */
  watch?(listener: (readyAt: number) => void): Promise<() => Promise<void>>
  checkTransaction?(transaction: never): void
  health(): 'up' | 'down'
  faults(): StoreFaultCounts
  /** The client that the caller passed in stays open. */
  close(): Promise<void>
}

export interface StoreEnvironment {
  readonly logger: Logger
  readonly onError: (error: DuequeError) => void
}

export interface AddOptions {
  onConflict?: OnConflict | undefined
  transaction?: unknown
  /** At least for so long it is not to be claimed, by the store's clock. @default 0 */
  holdMs?: number | undefined
}

export interface ClaimRequest {
  /** What is ready until then is meant, in milliseconds since the epoch: for tests. @default what the store's clock shows */
  now?: number | undefined
  limit: number
  leaseMs: number
}

export interface Claim {
  /** What the store's clock showed, or {@link ClaimRequest.now}. */
  readonly now: number
  readonly claimed: readonly ClaimedMessage[]
  /** When the next one is ready or its lease over, by the same clock, as far as the store can tell; undefined if nothing waits. */
  readonly nextAt: number | undefined
}

export interface ClaimedMessage {
  readonly message: DelayedMessage
  /** Tells one claim of a message from another. */
  readonly lease: string
}
