import { setImmediate as turn } from 'node:timers/promises'
import { errorText, isDuequeError, type DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { DefinitionRecord, RecurringDefinitions } from '../strategies/recurring-definitions.js'
import type { WaitOptions } from '../strategies/strategy.js'
import { decodeDefinition, type RecurringDefinition } from './definition.js'
import type { HandledTimes } from './handled-times.js'
import { sendTick, type TickRoute } from './tick.js'
import { TICKER_TIMES } from './ticker-times.js'
import { MOST_AHEAD_MS, nextTime, tickDue } from './times.js'

export interface MissingTicksSettings {
  readonly definitions: RecurringDefinitions
  readonly route: TickRoute
  readonly handled: HandledTimes
  readonly logger: Logger
  readonly onError: (error: DuequeError) => void
}

/** What a repair has sent. */
export interface SentTicks {
  readonly sent: number
  readonly waiting: number
}

/** A tick that is due later is left to a later repair: each repair makes a copy of a tick that is not missing. */
export const AHEAD_MS = 2 * TICKER_TIMES.repairEveryMs
/** A tick may come that much before its time, and clocks are corrected. */
const CLOCK_SLACK_MS = 20_000
/** Ticks on their way at a time, and definitions that are looked at before other work of the process has its turn. */
const AT_A_TIME = 200

/**
 * Sends the tick of every schedule that should have one within two hours: after a purge, a lost virtual host, or a process that
 * died while it set a schedule. Nobody can tell which of them is missing. A copy of one that is there does nothing, because
 * it has the same id, revision and time. Times before now are not repeated.
 *
 * @returns how many were sent, and how many of them wait: a late one is handed over at once
 * @throws DuequeError of a look at the definitions, or of one tick: then some may be missing. Whatever `stopIf` throws
 */
export async function sendMissingTicks(
  settings: MissingTicksSettings,
  options: Pick<WaitOptions, 'signal' | 'timeoutMs'>,
  stopIf: () => void,
): Promise<SentTicks> {
  const { definitions, route, handled, logger } = settings
  await renew(settings, stopIf)
  const ids = new Set<string>()
  let [sent, waiting, unreadable] = [0, 0, 0]
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const record of definitions.all()) {
    stopIf()
    if (failures.length > 0) throw failures[0]
    ids.add(record.id)
    if (ids.size % AT_A_TIME === 0) await turn()
    const definition = decoded(record, logger)
    const time = definition && missingTime(definition, handled, route.now())
    if (!definition) unreadable++
    if (!definition || time === undefined) continue
    const isLate = tickDue(definition, time) <= route.now()
    const work: Promise<void> = sendTick(route, definition, time, options)
      .then(() => void (waiting += isLate ? 0 : 1))
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(work))
    underWay.add(work)
    sent++
    if (underWay.size >= AT_A_TIME) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
  handled.keep(ids)
  if (unreadable > 0) logger.warn('recurring messages cannot be read here', { unreadable })
  return { sent, waiting }
}

/**
 * A definition is kept for months after it: one that fails is no reason to leave ticks out. Occurrences that were waiting are lost with
 * a definition: they are scheduled again.
 */
async function renew(
  { definitions, handled, logger, onError }: MissingTicksSettings,
  stopIf: () => void,
): Promise<void> {
  try {
    await definitions.renew?.((id) => handled.lost(id))
  } catch (error) {
    stopIf()
    logger.warn('the definitions of recurring messages could not be renewed', { error: errorText(error) })
    if (isDuequeError(error)) onError(error)
  }
}

function decoded(record: DefinitionRecord, logger: Logger): RecurringDefinition | undefined {
  try {
    return decodeDefinition(record)
  } catch (error) {
    logger.debug('a recurring message cannot be read here', { id: record.id, error: errorText(error) })
    return undefined
  }
}

/** The time whose tick should be on its way now, or wait for a short while only. */
function missingTime(definition: RecurringDefinition, handled: HandledTimes, now: number): number | undefined {
  if (definition.paused) return undefined
  forgetAhead(definition, handled, now)
  const time = nextTime(definition, Math.max(now, (handled.nextOf(definition) ?? now) - 1))
  return time !== undefined && tickDue(definition, time) <= now + AHEAD_MS ? time : undefined
}

/** Times that are further ahead than any tick were passed over by a clock that was ahead: they are still to come. */
function forgetAhead(definition: RecurringDefinition, handled: HandledTimes, now: number): void {
  const [{ id, revision }, soonest] = [definition, now + MOST_AHEAD_MS + CLOCK_SLACK_MS]
  if ((handled.nextOf(definition) ?? now) <= soonest) return
  const time = nextTime(definition, soonest)
  if (time !== undefined && handled.has({ id, revision, time })) handled.forgetFrom(definition, now + 1)
}
