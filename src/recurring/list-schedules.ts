import { aText, checkOptions, integer, nonEmptyText, type Rules } from '../base/checks.js'
import { errorText, invalidOption } from '../base/errors.js'
import type { RecurringListOptions, RecurringPage, RecurringSchedule } from './recurring.js'
import type { RecurringParts } from './recurring-parts.js'
import { readDefinition, scheduleView } from './schedule-view.js'

const RULES: Rules<RecurringListOptions> = {
  // Often a variable that is not set: an empty text would fit every schedule.
  idPrefix: nonEmptyText,
  limit: integer(1, 1000),
  cursor: aText,
}

/** A page of the schedules, by id. A definition of a later version is left out, with a warning. */
export async function listSchedules(
  { strategy, now, logger }: Pick<RecurringParts, 'strategy' | 'now' | 'logger'>,
  options: RecurringListOptions = {},
): Promise<RecurringPage> {
  checkOptions(options, RULES)
  const { idPrefix = '', limit = 100, cursor } = options
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  const { records, next } = await strategy.definitions.page({ idPrefix, after, limit })
  const schedules = records.flatMap((record): RecurringSchedule[] => {
    try {
      return [scheduleView(readDefinition(record, strategy.name), now())]
    } catch (error) {
      logger.warn('a recurring message is left out of a list', { id: record.id, error: errorText(error) })
      return []
    }
  })
  return { schedules, cursor: next === undefined ? undefined : cursorOf(next) }
}

/** Opaque to callers. */
function cursorOf(id: string): string {
  return Buffer.from(JSON.stringify([id])).toString('base64url')
}

function parseCursor(cursor: string): string {
  try {
    const [id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [unknown]
    if (typeof id === 'string') return id
  } catch {
    // Refused below, as any other text is.
  }
  throw invalidOption('cursor', 'the cursor of the page before', cursor)
}
