import { aFunction, flag, integer } from '../../base/checks.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { aFilter, FilteredMessages, meansAll, type FailedFilter } from './failed-filter.js'
import type { FailedKind } from './failed-kind.js'
import type { FailedQueue } from './failed-queue.js'
import { withFailedQueue } from './with-failed-queue.js'

export interface PurgeFailedOptions extends OperatorOptions {
  /** @default all messages */
  filter?: FailedFilter | undefined
  /** Removes nothing unless exactly so many messages fit. They are all taken before the first is removed. @default any number */
  expected?: number | undefined
  /** Counts the messages that would be removed, and removes and asks nothing. @default false */
  dryRun?: boolean | undefined
  /** Asked before anything is removed, with all that is in the queue. @default removes without asking */
  confirm?: ((queue: { name: string; count: number }) => Promise<boolean>) | undefined
}

export interface PurgeResult {
  queue: string
  /** With `dryRun`, messages that would be removed. */
  removed: number
  /** Ids of the filter for which there was no message. */
  missing: readonly string[]
  confirmed: boolean
  /** With `expected`, messages that fit. */
  found?: number
}

/**
 * Removes failed messages for good.
 *
 * @throws DuequeError `DESTINATION_MISSING` if there is no such queue, `PERMISSION_DENIED`; as `connect` does
 */
export async function purgeFailed(kind: FailedKind, options: PurgeFailedOptions = {}): Promise<PurgeResult> {
  const rules = { filter: aFilter, expected: integer(0), dryRun: flag, confirm: aFunction }
  const settings = operatorSettings(options, rules)
  const { filter = {}, expected, dryRun = false, confirm } = options
  return withFailedQueue(settings, kind, async (queue) => {
    const { name, count } = queue
    if (confirm && !dryRun && !(await confirm({ name, count })))
      return { queue: name, removed: 0, missing: [], confirmed: false }
    const filtered = new FilteredMessages(filter, kind)
    if (expected !== undefined && !dryRun) return removeExactly(queue, filtered, expected)
    const removed = await (meansAll(filter) ? removeAll(queue, dryRun) : removeSome(queue, filtered, dryRun))
    return { queue: name, removed, missing: filtered.missing, confirmed: true }
  })
}

function removeAll(queue: FailedQueue, dryRun: boolean): Promise<number> {
  return dryRun ? Promise.resolve(queue.count) : queue.purge()
}

/** A message that fits and came meanwhile is none of those that were expected. */
async function removeExactly(queue: FailedQueue, filtered: FilteredMessages, expected: number): Promise<PurgeResult> {
  const tags: number[] = []
  for await (const message of queue.messages()) if (filtered.has(message)) tags.push(message.deliveryTag)
  const found = tags.length
  const own = { queue: queue.name, missing: filtered.missing, found }
  if (found !== expected) return { ...own, removed: 0, confirmed: false }
  for (const deliveryTag of tags) queue.remove({ deliveryTag })
  await queue.settle()
  return { ...own, removed: found, confirmed: true }
}

async function removeSome(queue: FailedQueue, filtered: FilteredMessages, dryRun: boolean): Promise<number> {
  let removed = 0
  for await (const message of queue.messages()) {
    if (!filtered.has(message)) continue
    if (!dryRun) queue.remove(message)
    removed++
  }
  await queue.settle()
  return removed
}
