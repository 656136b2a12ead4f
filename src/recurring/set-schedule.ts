import { DuequeError, shown } from '../base/errors.js'
import { changeDefinition } from './change-definition.js'
import { checkRecurring } from './check-recurring.js'
import { isSame, type RecurringDefinition } from './definition.js'
import { activeFrom, pausedAt, resumedAt } from './pausing.js'
import type { SetSchedule } from './recurring.js'
import type { RecurringOptions } from './recurring-options.js'
import type { RecurringParts } from './recurring-parts.js'
import { readable, readDefinition, scheduleView } from './schedule-view.js'
import { sendTickAgain } from './send-tick-again.js'

/** Of a schedule that others remove again and again at the same time. */
const MOST_ATTEMPTS = 8
/** A clock that is further ahead has to be set: revisions of this process would follow it. */
const MOST_AHEAD_MS = 86_400_000

/** Sets a schedule, if it is not exactly so already. @throws DuequeError as `Recurring.set` */
export async function setSchedule<In>(
  parts: RecurringParts,
  id: string,
  options: RecurringOptions<In>,
): Promise<SetSchedule> {
  const wanted = await checkRecurring(id, options, parts.now())
  await parts.destination(wanted.to, options.declare ?? false)
  for (let attempt = 1, behind = -1; ; attempt++) {
    const record = await parts.strategy.definitions.get(id)
    const former = record && readable(record, parts)
    const to = withState(wanted, options.paused, former, parts.now())
    if (former && isSame(former, to) && !parts.unfinished.has(id)) {
      await sendTickAgain(parts, former)
      return shownAs(former, false, parts)
    }
    const isOfState = former && isSame({ ...former, paused: to.paused }, to)
    const { own, other } = await changeDefinition(parts, id, { to, former, record, isOfState, behind })
    if (own) return shownAs(own, true, parts)
    if (other?.definition !== undefined) return shownAs(readDefinition(other, parts.strategy.name), true, parts)
    // Another process has removed it at the same time, or with a clock that is ahead.
    behind = other?.revision ?? -1
    if (attempt === MOST_ATTEMPTS || behind >= (parts.now() + MOST_AHEAD_MS) * 1000) throw removedAhead(id)
  }
}

/** A service that starts does not resume what an operator has paused. */
function withState(
  wanted: RecurringDefinition,
  paused: boolean | undefined,
  former: RecurringDefinition | undefined,
  now: number,
): RecurringDefinition {
  const isPaused = paused ?? former?.paused ?? false
  const isOldOne = former && isSame({ ...former, paused: isPaused }, { ...wanted, paused: isPaused })
  // Its limit counts from now on: what came before this has taken its time.
  if (!isOldOne) return isPaused ? { ...pausedAt(wanted, now), counted: 0 } : activeFrom(wanted, now)
  // Its limit goes on counting.
  if (former.paused === isPaused) return former
  return isPaused ? pausedAt(former, now) : resumedAt(former, now)
}

function shownAs(definition: RecurringDefinition, changed: boolean, { now }: RecurringParts): SetSchedule {
  return { ...scheduleView(definition, now()), changed }
}

function removedAhead(id: string): DuequeError<'CONFLICT'> {
  const what = `another process removes the recurring message ${shown(id)} at the same time, or its clock is ahead`
  return new DuequeError('CONFLICT', `id: ${what}. Compare the clocks, and repeat the call`, { id })
}
