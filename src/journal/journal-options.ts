import { flag, group, integer, type Rule, type Rules } from '../base/checks.js'
import { MAX_DELAY_MS } from '../message/due.js'

/** Options of a journal of waiting messages. Choose the same for all processes of a namespace. */
export interface JournalOptions {
  /**
   * Messages with a shorter delay, in milliseconds, are not in the journal: they can be cancelled, and not seen.
   * @default 0
   */
  minDelayMs?: number | undefined
  /**
   * Whether it keeps bodies. They stay for 7 days after the horizon of their delay (an hour, 8 hours, 3 or 30 days, 1 or 10
   * years) and cannot be erased one by one. Without them `get` and `list` show no payload, `reschedule` needs the content, and
   * `dueque journal restore` cannot restore.
   * @default true
   */
  bodies?: boolean | undefined
  /**
   * Keeps an index of the waiting messages in memory, about 130 bytes each, so that `get`, `list` and `count` answer without
   * reading the whole journal each time. `maxEntries` bounds it, 1 to 100,000,000: with more waiting messages it answers as
   * without an index. For long-running programs that look often.
   * @default false
   */
  index?: boolean | { maxEntries?: number | undefined } | undefined
}

/** The option of a strategy that writes a journal. */
export interface JournalOption {
  /**
   * Writes a record of each waiting message into streams of RabbitMQ, so that `mq.get`, `list`, `count` and
   * `reschedule` without content work. A schedule then resolves when both the message and its record are confirmed. Set it for
   * all processes of a namespace: a retry is in the journal only if its consumer has one.
   * @default false
   */
  journal?: boolean | JournalOptions | undefined
}

/** An option `journal` that is on for sure. `false` would fit `JournalOptions`, all of whose fields are optional. */
export type JournalOn = true | (object & JournalOptions)

const RULES: Rules<JournalOptions> = {
  minDelayMs: integer(0, MAX_DELAY_MS),
  bodies: flag,
  index: flagOr({ maxEntries: integer(1, 100_000_000) }),
}

export const aJournal: Rule = flagOr(RULES)

const MAX_ENTRIES = 1_000_000

export interface ResolvedJournal {
  readonly minDelayMs: number
  readonly bodies: boolean
  /** The most messages of the index; 0 for none. */
  readonly maxEntries: number
}

/** Of options that were checked. Undefined without a journal. */
export function resolveJournal(journal: boolean | JournalOptions = false): ResolvedJournal | undefined {
  if (journal === false) return undefined
  const { minDelayMs = 0, bodies = true, index = false } = journal === true ? {} : journal
  const { maxEntries = MAX_ENTRIES } = typeof index === 'boolean' ? {} : index
  return { minDelayMs, bodies, maxEntries: index === false ? 0 : maxEntries }
}

function flagOr(rules: Readonly<Record<string, Rule>>): Rule {
  const options = group(rules)
  return (value, option) => {
    if (typeof value === 'boolean') return undefined
    return typeof value === 'object' ? options(value, option) : 'true, false or an object with options'
  }
}
