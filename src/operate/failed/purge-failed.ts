import { aFunction } from '../../base/checks.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { aFilter, FilteredMessages, meansAll, type FailedFilter } from './failed-filter.js'
import type { FailedKind } from './failed-kind.js'
import type { FailedQueue } from './failed-queue.js'
import { withFailedQueue } from './with-failed-queue.js'

export interface PurgeFailedOptions extends OperatorOptions {
  /** @default all messages */
  filter?: FailedFilter | undefined
  /** Asked before anything is removed, with all that is in the queue. @default removes without asking */
  confirm?: ((queue: { name: string; count: number }) => Promise<boolean>) | undefined
}

export interface PurgeResult {
  queue: string
  removed: number
  /** Ids of the filter for which there was no message. */
  missing: readonly string[]
  confirmed: boolean
}

/**
 * Removes failed messages for good.
 *
 * @throws DuequeError `DESTINATION_MISSING` if there is no such queue, `PERMISSION_DENIED`; as `connect` does
 */
export async function purgeFailed(kind: FailedKind, options: PurgeFailedOptions = {}): Promise<PurgeResult> {
  const settings = operatorSettings(options, { filter: aFilter, confirm: aFunction })
  const { filter = {}, confirm } = options
  return withFailedQueue(settings, kind, async (queue) => {
    const { name, count } = queue
    if (confirm && !(await confirm({ name, count }))) return { queue: name, removed: 0, missing: [], confirmed: false }
    const filtered = new FilteredMessages(filter, kind)
    const removed = meansAll(filter) ? await queue.purge() : await removeSome(queue, filtered)
    return { queue: name, removed, missing: filtered.missing, confirmed: true }
  })
}

async function removeSome(queue: FailedQueue, filtered: FilteredMessages): Promise<number> {
  let removed = 0
  for await (const message of queue.messages()) {
    if (!filtered.has(message)) continue
    queue.remove(message)
    removed++
  }
  await queue.settle()
  return removed
}
