/**
 * Which revisions of an id are cancelled. Records commute: their order and repeats mean nothing. The format is in
 * docs/wire-format.md.
 */
export type CancellationRecord = {
  readonly id: string
  /** The latest due time of the messages that it concerns, in milliseconds since the epoch. Undefined if it is not known. */
  readonly due: number | undefined
} & (
  | {
      /** Exactly this revision is cancelled. */
      readonly revision: number
      readonly upTo?: never
      readonly keep?: never
    }
  | {
      /** This revision and every smaller one is cancelled. */
      readonly upTo: number
      readonly revision?: never
      readonly keep?: never
    }
  | {
      /** Every smaller revision is cancelled: this one replaces them. */
      readonly keep: number
      readonly revision?: never
      readonly upTo?: never
    }
)
