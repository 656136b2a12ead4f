import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../base/backoff.js'
import { DuequeError, shown } from '../base/errors.js'
import { changeDefinition, formersOf } from './change-definition.js'
import { checkRecurring } from './check-recurring.js'
import { isSame, type RecurringDefinition } from './definition.js'
import { activeFrom, pausedAt, resumedAt } from './pausing.js'
import type { SetSchedule } from './recurring.js'
import type { RecurringOptions } from './recurring-options.js'
import type { RecurringParts } from './recurring-parts.js'
import { readable, scheduleView } from './schedule-view.js'
import { sendTickAgain } from './send-tick-again.js'

/** About five seconds: a clock that is further ahead has to be set. */
const MOST_ATTEMPTS = 8

/** Sets a schedule, if it is not exactly so already. @throws DuequeError as `Recurring.set` */
export async function setSchedule<In>(
  parts: RecurringParts,
  id: string,
  options: RecurringOptions<In>,
): Promise<SetSchedule> {
  const wanted = await checkRecurring(id, options, parts.now())
  await parts.destination(wanted.to, options.declare ?? false)
  for (let attempt = 1; ; attempt++) {
    const record = await parts.strategy.definitions.get(id)
    const former = record && readable(record, parts)
    const to = withState(wanted, options.paused, former, parts.now())
    if (former && isSame(former, to) && !parts.unfinished.has(id)) {
      await sendTickAgain(parts, former)
      return shownAs(former, false, parts)
    }
    const isOfState = former && isSame({ ...former, paused: to.paused }, to)
    const inForce = await changeDefinition(parts, id, { to, formers: formersOf(parts, id, former), record, isOfState })
    if (inForce) return shownAs(inForce, true, parts)
    // Another process has removed it at the same time, or with a clock that is ahead.
    if (attempt === MOST_ATTEMPTS) throw removedAhead(id)
    await pause(backoff(attempt, { baseMs: 50, maxMs: 1000 }))
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
