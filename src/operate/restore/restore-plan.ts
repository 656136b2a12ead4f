import type { Destination } from '../../message/destination.js'

/** The work of a restore, before it begins. */
export interface RestorePlan {
  /** The instant at which the messages were lost. */
  readonly lostAt: Date
  /** Messages that are scheduled again. */
  readonly messages: number
  /** Of these, the messages whose time has passed since. They are delivered at once. */
  readonly overdue: number
  /** When the first and the last message are ready. Undefined without messages. */
  readonly from: Date | undefined
  readonly to: Date | undefined
  readonly destinations: readonly RestoredDestination[]
  /** Messages of the journal that are not scheduled again, by the reason. */
  readonly skipped: SkippedMessages
  /** Records of messages that were ready up to an hour before {@link lostAt}, and count as delivered. */
  readonly justBefore: number
  /** Whether the journal is the target's own. RabbitMQ may still have these messages, and delivers them twice then. */
  readonly isOwn: boolean
}

export interface RestoredDestination {
  readonly destination: Destination
  readonly messages: number
  readonly from: Date
  readonly to: Date
  /** Whether it exists where the messages are to go. */
  readonly exists: boolean
}

export interface SkippedMessages {
  readonly cancelled: number
  /** RabbitMQ did not take them. */
  readonly refused: number
  /** The target's journal has them: they were restored before. */
  readonly present: number
  /** The journal keeps no bodies. These messages cannot be restored. */
  readonly withoutBody: number
}
