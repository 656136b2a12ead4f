import { errorText } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { CancelResult } from './cancel-result.js'
import { ItemFailures, type ItemFailure } from './item-failures.js'
import type { BulkRun } from './lazy-run.js'
import type { ItemResult } from './run-all.js'

/** The outcome of one target, by its place in the input. Results come in the order in which they are known. */
export type CancelItemResult<Item = unknown> = ItemResult<Item, { outcome: CancelResult }>

/** What became of the targets of a run that was awaited. */
export interface CancelSummary<Item = unknown> {
  /** Of each answer: {@link CancelResult}. */
  readonly cancelled: number
  readonly tooLate: number
  readonly unknown: number
  readonly notWaiting: number
  readonly failed: number
  /** Of the targets that failed, the first 1000 whose failure was known. */
  readonly failures: readonly ItemFailure<Item>[]
}

/** What `cancelAll` returns: `await` cancels everything, `for await` yields each result. Nothing is cancelled before. */
export type CancelRun<Item = unknown> = BulkRun<CancelItemResult<Item>, CancelSummary<Item>>

export async function cancelSummary<Item>(
  results: AsyncIterable<CancelItemResult<Item>>,
  logger: Logger,
): Promise<CancelSummary<Item>> {
  const counts: Record<CancelResult, number> = { cancelled: 0, 'too-late': 0, unknown: 0, 'not-waiting': 0 }
  const failures = new ItemFailures<Item>()
  for await (const result of results) {
    if (result.error) failures.add(result)
    else counts[result.outcome]++
  }
  const { cancelled, 'too-late': tooLate, unknown, 'not-waiting': notWaiting } = counts
  const answers = { cancelled, tooLate, unknown, notWaiting, failed: failures.count }
  const [first] = failures.kept
  if (first) logger.warn('cancelAll failed for some items', { ...answers, error: errorText(first.error) })
  return { ...answers, failures: failures.kept }
}
