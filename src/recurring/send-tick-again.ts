import { errorText } from '../base/errors.js'
import type { RecurringDefinition } from './definition.js'
import type { RecurringParts } from './recurring-parts.js'
import { AHEAD_MS } from './send-missing-ticks.js'
import { sendTick } from './tick.js'
import { TICKER_TIMES } from './ticker-times.js'
import { nextTime, tickDue } from './times.js'

/** A ticker has sent every missing tick by then. */
const YOUNG_MS = TICKER_TIMES.repairEveryMs + 2 * TICKER_TIMES.bookmarkMs

/**
 * Sends the next tick of a schedule that was set or resumed a short while ago: the process that did it may have died before it sent
 * the first one. A copy of one that is there does nothing. If this fails, the hourly repair sends it.
 */
export async function sendTickAgain(parts: RecurringParts, definition: RecurringDefinition): Promise<void> {
  const now = parts.now()
  if (definition.paused || now - definition.since > YOUNG_MS) return
  const time = nextTime(definition, now)
  if (time === undefined || tickDue(definition, time) > now + AHEAD_MS) return
  try {
    await parts.openTicks()
    await sendTick(parts, definition, time, { again: true })
  } catch (error) {
    const { id } = definition
    parts.logger.warn('the tick of a recurring message was not sent again', { id, error: errorText(error) })
  }
}
