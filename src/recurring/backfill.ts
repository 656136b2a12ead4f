import { setImmediate as turn } from 'node:timers/promises'
import { anything, checkOptions, type Rules } from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import { parseInstant } from '../message/due.js'
import { revisionAfter } from '../schedule/revision.js'
import { runAll } from '../schedule/run-all.js'
import { scheduleSummary } from '../schedule/schedule-run.js'
import type { RecurringDefinition } from './definition.js'
import { occurrenceOf } from './occurrence.js'
import type { BackfillOptions, BackfillSummary } from './recurring.js'
import type { RecurringParts } from './recurring-parts.js'
import { timesBetween } from './times.js'

const MOST_TIMES = 100_000
/** Times that are computed before other work of the process has its turn: about 5 ms. */
const TIMES_AT_A_TIME = 100

/** Messages on their way at a time. */
const AT_A_TIME = { messages: 1000, bytes: Infinity, bodyBytes: 0 }

const RULES: Rules<BackfillOptions> = { from: anything, to: anything }

/**
 * Sends the occurrences of past times now. They have a revision of their own: a consumer that has handled such a time handles it
 * again.
 *
 * @throws DuequeError `INVALID_OPTION`, `INVALID_DUE`
 */
export async function backfill(
  { now, send, logger }: RecurringParts,
  definition: RecurringDefinition,
  options: BackfillOptions,
): Promise<BackfillSummary> {
  const times = await timesOf(definition, options, now())
  const again = { ...definition, revision: revisionAfter(definition.revision, now(), definition.id) }
  const run = (time: Date) => send(occurrenceOf(again, time.getTime(), now(), { backfilled: true, dueAt: now() }))
  const results = runAll(times, { run, done: (receipt) => ({ receipt }) }, AT_A_TIME)
  return scheduleSummary(results, logger, 'backfill')
}

async function timesOf(definition: RecurringDefinition, options: BackfillOptions, now: number): Promise<Date[]> {
  checkOptions(options, RULES)
  const from = parseInstant(options.from, 'from')
  const to = options.to === undefined ? now : parseInstant(options.to, 'to')
  if (to > now)
    throw invalidOption('to', 'an instant that is past, because later times are delivered by the schedule', options.to)
  if (from >= to) throw invalidOption('from', 'an instant before `to`', options.from)
  const times: Date[] = []
  // Also those before it was set, and behind its limit.
  for (const time of timesBetween(definition, from, to)) {
    if (times.length === MOST_TIMES)
      throw invalidOption(
        'from',
        `no more than ${MOST_TIMES} times before \`to\`, which can be ${times.at(-1)!.toISOString()} at most`,
        options.from,
      )
    times.push(new Date(time))
    if (times.length % TIMES_AT_A_TIME === 0) await turn()
  }
  return times
}
