import { errorText } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Receipt } from '../message/receipt.js'
import { ItemFailures, type ItemFailure } from './item-failures.js'
import type { BulkRun } from './lazy-run.js'
import type { ItemResult } from './run-all.js'

/** The outcome of one item, by its place in the input. Results come in the order in which they are known. */
export type ScheduleResult<Item = unknown> = ItemResult<Item, { receipt: Receipt }>

/** An item that was not scheduled. */
export type ScheduleFailure<Item = unknown> = ItemFailure<Item>

/** What became of the items of a run that was awaited. */
export interface ScheduleSummary<Item = unknown> {
  readonly scheduled: number
  readonly failed: number
  /** Of the items that failed, the first 1000 whose failure was known. */
  readonly failures: readonly ScheduleFailure<Item>[]
}

/** What `scheduleAll` returns: `await` schedules everything, `for await` yields each result. Nothing is scheduled before. */
export type ScheduleRun<Item = unknown> = BulkRun<ScheduleResult<Item>, ScheduleSummary<Item>>

export async function scheduleSummary<Item>(
  results: AsyncIterable<ScheduleResult<Item>>,
  logger: Logger,
  method = 'scheduleAll',
): Promise<ScheduleSummary<Item>> {
  let scheduled = 0
  const failures = new ItemFailures<Item>()
  for await (const result of results) {
    if (result.error) failures.add(result)
    else scheduled++
  }
  const { count: failed, kept } = failures
  if (kept[0]) logger.warn(`${method} failed for some items`, { scheduled, failed, error: errorText(kept[0].error) })
  return { scheduled, failed, failures: kept }
}
