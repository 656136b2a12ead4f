import type { QueueDestination } from './message/destination.js'
import type { Death } from './message/death.js'
import type { DelayedMessage } from './message/delayed-message.js'
import type { Arrived } from './message/envelope.js'
import type { Health } from './health.js'

export interface PublishOptions {
  /** Declares a missing work queue instead of failing. */
  declare: boolean
  /** Binds the destination if it is not. With false it is taken to be bound. @default true */
  bind?: boolean | undefined
  signal?: AbortSignal | undefined
  /** Milliseconds after which an unconfirmed message fails. @default publishTimeoutMs */
  timeoutMs?: number | undefined
}

/** An arrival that waits for its outcome. Both outcomes do nothing once the broker has taken the message back. */
export interface Arrival extends Arrived {
  /** False once the broker has taken it back, with the channel that brought it. It will come again. */
  readonly live: boolean
  /**
   * How often the broker took it back from a consumer without an outcome, beyond what this consumer's own lost connections
   * explain: most of all from processes that ended. 0 from a broker that does not count.
   */
  readonly abandoned: number
  ack(): void
  /** Gives it back, for another consumer or a later time. */
  requeue(): void
}

export interface SubscribeOptions {
  /** Unsettled messages at most. */
  prefetch: number
  declare: boolean
  /** Takes from the queue for the batches of the given one instead. @default false */
  batches?: boolean | undefined
}

export interface Subscription {
  /** Changes {@link SubscribeOptions.prefetch} on the way. Missing where it stays as it is. */
  setPrefetch?(prefetch: number): void
  /** No arrivals until {@link resume}, also after a lost connection. Those that are there can still be settled. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** No more arrivals. Those that are there can still be settled. */
  cancel(): Promise<void>
  /** After the last outcome. */
  close(): Promise<void>
}

/** All but the verdict. */
export type BrokerHealth = Omit<Health, 'ok'>

/** Where due messages go and consumers take them from: RabbitMQ, or the process's own memory. */
export interface Broker {
  open(): Promise<void>
  /**
   * Delivers a due message to its destination. Resolves once it is safe there. With `bind: false`, a message whose
   * destination is gone is parked.
   */
  deliver(message: DelayedMessage, options: PublishOptions): Promise<void>
  /** Puts an arrival into the dead queue of `queue`. Resolves once it is safe there; only then may it be acked. */
  bury(
    queue: string,
    arrived: Arrived,
    death: Death,
    options?: Pick<PublishOptions, 'signal' | 'timeoutMs'>,
  ): Promise<void>
  /** Resolves when the consumer runs. It goes on over reconnects until it is cancelled. */
  subscribe(
    from: QueueDestination,
    options: SubscribeOptions,
    listener: (arrival: Arrival) => void,
  ): Promise<Subscription>
  /** What is known at this moment, without asking anybody. */
  health(): BrokerHealth
  close(): Promise<void>
  /** Ends everything at once, also a close that is under way: what is not confirmed fails with `CLOSED`. */
  destroy?(): void
}
