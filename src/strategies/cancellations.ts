import type { CancellationRecord } from '../cancellation/cancellation-record.js'

/**
 * The facet of a strategy that cannot remove a waiting message. It keeps a log of cancellations instead: consumers drop the
 * messages that its records name.
 */
export interface Cancellations {
  /** Resolves when the record is safe. Rejects with an error whose `outcome` says whether it may be there all the same. */
  write(record: CancellationRecord): Promise<void>
  /**
   * Asked before a message is scheduled in the place of another one, once its arguments are checked. Rejects if no record can
   * be written: then nothing is scheduled. @default always ready
   */
  ready?(): Promise<void>
  /** Only of a strategy that brings its own broker: whether the message is cancelled. Otherwise consumers read the log. */
  isCancelled?(message: { readonly id: string | undefined; readonly revision: number | undefined }): boolean
}
