import type { OtherDestination } from '../../operate/failed/parked-messages.js'
import type { Names } from '../../amqp/topology/names.js'
import type { Stored } from '../../operate/failed/failed-queue.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { Column, Summary } from './text.js'

/** One of the queues whose messages stay until an operator takes them, and what there is to be told of these. */
export interface Store {
  /** What its messages are: `parked`. */
  readonly word: string
  queueOf(names: Names): string
  /** What it means that the queue is missing. */
  readonly missing: string
  summaryOf(stored: Stored): Summary
  readonly columns: readonly Column[]
  /** Beside the columns, where one message is shown. */
  readonly rows: readonly Column[]
  /** When it came here: milliseconds since the epoch. */
  atOf(stored: Stored): number | undefined
  /** By which its messages are counted. */
  reasonOf?(stored: Stored): string
  /** Whether it is of no use any more, and stays. */
  isExpired(stored: Stored, now: number): boolean
  /**
   * A message as it is sent on.
   *
   * @param now milliseconds since the epoch
   * @throws DuequeError if it cannot be, so that it stays
   */
  sentOn(stored: Stored, to: OtherDestination | undefined, now: number): DelayedMessage
}

/** A store, as a group of commands has it. */
export interface Kind {
  readonly word: string
  /** In front of the arguments that a command has itself. */
  readonly argument?: readonly [name: string, description: string]
  /** For the description of `--before` and `--after`. */
  readonly came: string
  readonly hasReasons: boolean
  /** Whether a message alone says where it belongs. */
  readonly isByMessage: boolean
  /** @throws DuequeError for arguments that are none */
  storeOf(args: readonly string[]): Store
}
