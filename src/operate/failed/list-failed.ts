import { aFunction, integer } from '../../base/checks.js'
import { operatorSettings, type OnProgress, type OperatorOptions } from '../operator-settings.js'
import { aFilter, FilteredMessages, type FailedFilter } from './failed-filter.js'
import type { FailedKind, FailedSummary } from './failed-kind.js'
import { withFailedQueue } from './with-failed-queue.js'

export interface ListFailedOptions extends OperatorOptions {
  /** @default all messages */
  filter?: FailedFilter | undefined
  /** Messages of the filter to leave out at the head of the queue: the page before ended there. @default 0 */
  offset?: number | undefined
  /** Messages in the answer at most. @default 100 */
  limit?: number | undefined
  /** Messages looked at, of how many. */
  onProgress?: OnProgress | undefined
}

export interface FailedPage<S extends FailedSummary> {
  queue: string
  /** From the head of the queue. */
  messages: S[]
  /** All messages of the filter. */
  count: number
  /** How many messages have each reason, most frequent first. */
  reasons: Map<string, number>
}

/**
 * Lists failed messages, page by page, and counts all of them. Takes every message out of the queue and gives it back, so that
 * they keep their order. A message that another process holds for a moment is not seen.
 *
 * @throws DuequeError `DESTINATION_MISSING` if there is no such queue, `PERMISSION_DENIED`; as `connect` does
 * @example
 * const { messages, count } = await listFailed(deadMessages('reminders'), { url, filter: { reason: ['handler-error'] } })
 */
export async function listFailed<S extends FailedSummary>(
  kind: FailedKind<S>,
  options: ListFailedOptions = {},
): Promise<FailedPage<S>> {
  const settings = operatorSettings(options, {
    filter: aFilter,
    offset: integer(0),
    limit: integer(0),
    onProgress: aFunction,
  })
  const { filter = {}, offset = 0, limit = 100, onProgress } = options
  return withFailedQueue(settings, kind, async (queue) => {
    const filtered = new FilteredMessages(filter, kind)
    const messages: S[] = []
    const reasons = new Map<string, number>()
    let [looked, count] = [0, 0]
    for await (const message of queue.messages()) {
      onProgress?.(++looked, queue.count)
      if (!filtered.has(message)) continue
      const reason = kind.reasonOf(message)
      if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      if (count >= offset && messages.length < limit) messages.push(kind.summaryOf(message))
      count++
    }
    const byCount = [...reasons].sort(([, one], [, other]) => other - one)
    return { queue: queue.name, messages, count, reasons: new Map(byCount) }
  })
}
