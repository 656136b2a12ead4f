import type { Receipt } from '../message/receipt.js'

/**
 * The facet of a strategy that cannot take a waiting message back, and writes a record of each cancellation instead:
 * consumers drop the messages that the records name.
 */
export interface Cancellations {
  /**
   * Cancels the schedule of a receipt, or all schedules of an id up to now. Resolves when the record is safe.
   *
   * @returns `cancelled`: the record was written in time, and no handler starts. `too-late`: it was written when a handler
   * may have started. `unknown`: no due time was given
   */
  cancel(target: CancelTarget): Promise<CancelResult>
}

export type CancelTarget = Receipt | { readonly id: string; readonly dueAt?: number | undefined }

export type CancelResult = 'cancelled' | 'too-late' | 'unknown'
