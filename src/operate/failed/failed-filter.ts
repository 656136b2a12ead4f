import { group, texts, type Rule, type Rules } from '../../base/checks.js'
import { readText } from '../../message/headers.js'
import { idOf, type FailedKind } from './failed-kind.js'
import type { TakenMessage } from './failed-queue.js'

/** Which failed messages are meant. Each field narrows the choice; of a list any value will do. */
export interface FailedFilter {
  /** Ids of messages, and so of their copies too. */
  id?: readonly string[] | undefined
  name?: readonly string[] | undefined
  reason?: readonly string[] | undefined
  /** Messages that failed earlier: milliseconds since the epoch. */
  before?: number | undefined
  /** Messages that failed then or later: milliseconds since the epoch. */
  after?: number | undefined
}

const anInstant: Rule = (value) =>
  typeof value === 'number' && !Number.isNaN(value) ? undefined : 'milliseconds since the epoch'

const FILTER_RULES: Rules<FailedFilter> = {
  id: texts,
  name: texts,
  reason: texts,
  before: anInstant,
  after: anInstant,
}

/** The option `filter`. A misspelt field is refused: without it the filter would mean more messages, perhaps all of them. */
export const aFilter: Rule = group(FILTER_RULES)

/** Whether a filter leaves no message out. */
export function meansAll({ id, name, reason, before, after }: FailedFilter): boolean {
  return [id, name, reason, before, after].every((one) => one === undefined)
}

/** Picks messages, and knows the ids for which no message came. */
export class FilteredMessages {
  readonly #filter: FailedFilter
  readonly #kind: FailedKind
  readonly #missing: Set<string>

  constructor(filter: FailedFilter, kind: FailedKind) {
    this.#filter = filter
    this.#kind = kind
    this.#missing = new Set(filter.id)
  }

  has(message: TakenMessage): boolean {
    const { id: ids, name, reason } = this.#filter
    const id = idOf(message)
    if (!isAmong(ids, id) || !isAmong(name, readText(message.properties['type']))) return false
    if (reason && !isAmong(reason, this.#kind.reasonOf(message))) return false
    if (!this.#isInTime(message)) return false
    if (id !== undefined) this.#missing.delete(id)
    return true
  }

  get missing(): readonly string[] {
    return [...this.#missing]
  }

  #isInTime(message: TakenMessage): boolean {
    const { before, after } = this.#filter
    if (before === undefined && after === undefined) return true
    const at = this.#kind.failedAt(message)
    return at !== undefined && at < (before ?? Infinity) && at >= (after ?? -Infinity)
  }
}

function isAmong(values: readonly string[] | undefined, value: string | undefined): boolean {
  return values === undefined || (value !== undefined && values.includes(value))
}
