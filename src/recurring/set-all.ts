import { errorText, invalidOption } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { ItemFailures } from '../schedule/item-failures.js'
import type { Work } from '../schedule/run-all.js'
import type { Recurring, RecurringItem, SetResult, SetSchedule, SetSummary } from './recurring.js'

const EXPECTED = '{ id, message, payload, to, cron or every, … }'

/** The kind of the run of `setAll`. */
export const SET_RUN = { expected: EXPECTED, method: 'recurring.setAll', effect: 'set' }

export function setWork<Item extends RecurringItem>(
  set: Recurring['set'],
): Work<Item, SetSchedule, { schedule: SetSchedule }> {
  return { run: (item) => setItem(item, set), done: (schedule) => ({ schedule }) }
}

async function setItem(item: RecurringItem, set: Recurring['set']): Promise<SetSchedule> {
  if (typeof item !== 'object' || (item as unknown) === null) throw invalidOption('item', EXPECTED, item)
  const { id, ...options } = item
  return set(id, options)
}

export async function setSummary<Item>(
  results: AsyncIterable<SetResult<Item>>,
  logger: Logger,
): Promise<SetSummary<Item>> {
  let [changed, unchanged] = [0, 0]
  const failures = new ItemFailures<Item>()
  for await (const result of results) {
    if (result.error) failures.add(result)
    else if (result.schedule.changed) changed++
    else unchanged++
  }
  const counts = { changed, unchanged, failed: failures.count }
  const [first] = failures.kept
  if (first) logger.warn('recurring.setAll failed for some items', { ...counts, error: errorText(first.error) })
  return { ...counts, failures: failures.kept }
}
