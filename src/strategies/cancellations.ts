import type { Receipt } from '../message/receipt.js'

/**
 * The facet of a strategy that cannot remove a waiting message, and writes a record of each cancellation instead: consumers
 * drop the messages that the records name.
 */
export interface Cancellations {
  /**
   * Writes a record that cancels one revision of an id, or without a revision all revisions up to now. Resolves when the
   * record is safe.
   *
   * @returns `cancelled`: it was written in time, and no handler starts. `too-late`: a handler may have started before it
   * was written. `unknown`: the target has no due time
   */
  cancel(target: CancelTarget): Promise<CancelResult>
}

/** The messages that a cancellation concerns. */
export interface CancelTarget extends Pick<Receipt, 'id'> {
  readonly revision: Receipt['revision'] | undefined
  /** Milliseconds since the epoch. */
  readonly dueAt: number | undefined
}

export type CancelResult = 'cancelled' | 'too-late' | 'unknown'
