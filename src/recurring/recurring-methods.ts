import { integer, checkOne } from '../base/checks.js'
import { DuequeError, shown } from '../base/errors.js'
import { revisionAfter } from '../schedule/revision.js'
import type { DefinitionRecord } from '../strategies/recurring-definitions.js'
import { backfill } from './backfill.js'
import { changeDefinition } from './change-definition.js'
import { checkScheduleId } from './check-recurring.js'
import type { RecurringDefinition } from './definition.js'
import { listSchedules } from './list-schedules.js'
import { occurrenceOf } from './occurrence.js'
import { pausedAt, resumedAt } from './pausing.js'
import type { Recurring } from './recurring.js'
import type { RecurringParts } from './recurring-parts.js'
import { readable, readDefinition, scheduleView } from './schedule-view.js'
import { sendTickAgain } from './send-tick-again.js'
import { setSchedule } from './set-schedule.js'
import { nextTime } from './times.js'

/** The methods for recurring messages, for one schedule each. */
export function recurringMethods(parts: RecurringParts): Omit<Recurring, 'setAll'> {
  const { strategy, now } = parts
  let triggeredAt = 0
  return {
    set: (id, options) => setSchedule(parts, id, options),
    remove: (id) => removeSchedule(parts, id),
    pause: (id) => changeState(parts, id, true),
    resume: (id) => changeState(parts, id, false),
    async trigger(id) {
      const definition = await needed(parts, id)
      // Two of one millisecond are two.
      triggeredAt = Math.max(now(), triggeredAt + 1)
      const own = { ...definition, revision: revisionAfter(definition.revision, now(), id) }
      return parts.send(occurrenceOf(own, triggeredAt, triggeredAt, { dueAt: triggeredAt }))
    },
    backfill: async (id, options) => backfill(parts, await needed(parts, id), options),
    async get(id) {
      const record = await recordOf(parts, id)
      return record && scheduleView(readDefinition(record, strategy.name), now())
    },
    list: (options) => listSchedules(parts, options),
    async next(id, n = 10) {
      checkOne('n', integer(1, 1000), n)
      return nextTimes(await needed(parts, id), now(), n)
    },
  }
}

async function removeSchedule(parts: RecurringParts, id: string): Promise<boolean> {
  const record = await recordOf(parts, id)
  if (!record && !parts.unfinished.has(id)) return false
  await changeDefinition(parts, id, { to: undefined, former: record && readable(record, parts), record })
  return true
}

async function changeState(parts: RecurringParts, id: string, paused: boolean): Promise<boolean> {
  const { strategy, unfinished, now } = parts
  const record = await recordOf(parts, id)
  if (!record) return false
  const present = readDefinition(record, strategy.name)
  if (present.paused === paused && !unfinished.has(id)) {
    await sendTickAgain(parts, present)
    return true
  }
  const to = present.paused === paused ? present : paused ? pausedAt(present, now()) : resumedAt(present, now())
  const { other } = await changeDefinition(parts, id, { to, former: present, record, isOfState: true })
  // Of changes at the same time the later one counts.
  return other === undefined || other.definition !== undefined
}

/** @throws DuequeError `NO_SUCH_SCHEDULE` */
async function needed(parts: RecurringParts, id: string): Promise<RecurringDefinition> {
  const record = await recordOf(parts, id)
  if (record) return readDefinition(record, parts.strategy.name)
  throw new DuequeError('NO_SUCH_SCHEDULE', `id: there is no recurring message with the id ${shown(id)}`, { id })
}

async function recordOf({ strategy }: RecurringParts, id: string): Promise<DefinitionRecord | undefined> {
  checkScheduleId(id)
  return strategy.definitions.get(id)
}

function nextTimes(definition: RecurringDefinition, now: number, n: number): Date[] {
  const times: Date[] = []
  let last: number | undefined = definition.paused ? undefined : nextTime(definition, now)
  for (; last !== undefined && times.length < n; last = nextTime(definition, last)) times.push(new Date(last))
  return times
}
