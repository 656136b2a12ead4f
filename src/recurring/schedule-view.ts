import { DuequeError, errorText, shown } from '../base/errors.js'
import type { DefinitionRecord } from '../strategies/recurring-definitions.js'
import { decodeDefinition, type RecurringDefinition } from './definition.js'
import type { RecurringSchedule } from './recurring.js'
import type { RecurringParts } from './recurring-parts.js'
import { nextTime } from './times.js'

/** A definition, as `get` and `list` show it. */
export function scheduleView(definition: RecurringDefinition, now: number): RecurringSchedule {
  const { id, name, version, body, to, cron, tz, everyMs, limit, from, until, revision } = definition
  const { jitterMs, catchUp, catchUpWindowMs, expiresInMs, headers, priority, paused, note } = definition
  const next = paused ? undefined : nextTime(definition, now)
  return {
    ...{ id, name, version, payload: JSON.parse(body) as unknown, to, cron, tz, everyMs },
    ...{ from: dateOf(from), until: dateOf(until), limit, jitterMs, catchUp, catchUpWindowMs, expiresInMs },
    ...{ headers, priority, paused, note, revision, nextAt: dateOf(next) },
  }
}

/**
 * The definition of a record.
 *
 * @throws DuequeError `STORED_MESSAGE_UNREADABLE` if a later version has written it
 */
export function readDefinition(record: DefinitionRecord, store: string): RecurringDefinition {
  try {
    return decodeDefinition(record)
  } catch (cause) {
    const what = `the recurring message ${shown(record.id)} cannot be read: ${errorText(cause)}`
    const mend = 'Use the version that has set it, or set it anew'
    const data = { store, count: 1, keys: [record.id] }
    throw new DuequeError('STORED_MESSAGE_UNREADABLE', `${store}: ${what}. ${mend}`, data, { cause })
  }
}

/** Undefined for a definition that cannot be read, and is replaced or removed. */
export function readable(
  record: DefinitionRecord,
  { strategy, logger }: Pick<RecurringParts, 'strategy' | 'logger'>,
): RecurringDefinition | undefined {
  try {
    return readDefinition(record, strategy.name)
  } catch (error) {
    const { id } = record
    logger.warn('a recurring message that cannot be read is replaced or removed', { id, error: errorText(error) })
    return undefined
  }
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
