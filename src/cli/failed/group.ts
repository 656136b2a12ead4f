import type { FailedKind, FailedSummary } from '../../operate/failed/failed-kind.js'
import type { OperatorFlags } from '../settings.js'
import type { Column } from '../table.js'
import type { Terminal } from '../terminal.js'

/** A kind of failed messages, as a group of commands shows it. */
export interface FailedGroup<S extends FailedSummary = FailedSummary> {
  /** What its messages are: `parked`. */
  readonly word: string
  /** In front of the arguments of each command. */
  readonly argument?: readonly [name: string, description: string]
  /** For the description of `--before` and `--after`: `died`. */
  readonly failed: string
  /** The reasons by which messages are chosen and counted. @default neither */
  readonly reasons?: readonly string[]
  /** Whether a message alone says where it belongs. */
  readonly isSelfAddressed: boolean
  readonly columns: readonly Column<S>[]
  /** The facts in front of the details, where one message is shown. */
  readonly rows: readonly Column<S>[]
  /** @throws DuequeError for arguments that are none */
  kindOf(args: readonly string[]): FailedKind<S>
  /** Lists the queues themselves, if `list` gets no argument. */
  readonly listQueues?: (flags: OperatorFlags & { limit: number }, terminal: Terminal) => Promise<void>
  /** What it means that the queue is missing. */
  missing(args: readonly string[]): string
}
