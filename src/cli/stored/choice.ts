import { InvalidArgumentError, type Command } from 'commander'
import type { Stored } from '../../operate/failed/failed-queue.js'
import { parseInstant } from '../../message/due.js'
import { readText } from '../../message/headers.js'
import { errorText } from '../../base/errors.js'
import { collect } from '../settings.js'
import { plain } from '../terminal.js'
import { idOf } from './storage.js'
import type { Kind, Store } from './store.js'

/** Each of them narrows the choice; of one that is given several times, any value will do. */
export interface ChoiceOptions {
  id?: string[]
  name?: string[]
  reason?: string[]
  /** Milliseconds since the epoch. */
  before?: number
  after?: number
}

export function addChoice(command: Command, { came, hasReasons }: Kind): Command {
  command
    .option('--id <id>', 'just this message, and its copies; may be given several times', collect)
    .option('--name <name>', 'just messages of this name; may be given several times', collect)
  if (hasReasons) command.option('--reason <reason>', 'just for this reason; may be given several times', collect)
  return command
    .option('--before <instant>', `just what ${came} before an ISO 8601 time with a zone`, instantOf('--before'))
    .option('--after <instant>', `just what ${came} then or later`, instantOf('--after'))
}

/** Picks messages, and knows which of the ids that were asked for never came. */
export class Choice {
  readonly #options: ChoiceOptions
  readonly #store: Store
  readonly #missing: Set<string>

  constructor(options: ChoiceOptions, store: Store) {
    this.#options = options
    this.#store = store
    this.#missing = new Set(options.id)
  }

  /** Whether no message is left out. */
  static isAll({ id, name, reason, before, after }: ChoiceOptions): boolean {
    return [id, name, reason, before, after].every((one) => one === undefined)
  }

  has(stored: Stored): boolean {
    const { id, name, reason, before, after } = this.#options
    const own = idOf(stored)
    if (!isAmong(id, own) || !isAmong(name, readText(stored.properties['type']))) return false
    if (reason && !isAmong(reason, this.#store.reasonOf?.(stored))) return false
    if (before !== undefined || after !== undefined) {
      const at = this.#store.atOf(stored)
      if (at === undefined || at >= (before ?? Infinity) || at < (after ?? -Infinity)) return false
    }
    if (own !== undefined) this.#missing.delete(own)
    return true
  }

  get missing(): readonly string[] {
    return [...this.#missing]
  }

  /** For a question: `with id a or b and reason expired`. */
  toString(): string {
    const { before, after, ...texts } = this.#options
    const parts = (['id', 'name', 'reason'] as const).flatMap((option) => {
      const values = texts[option]
      return values ? [`${option} ${values.map((one) => plain(one)).join(' or ')}`] : []
    })
    if (after !== undefined) parts.push(`after ${new Date(after).toISOString()}`)
    if (before !== undefined) parts.push(`before ${new Date(before).toISOString()}`)
    return `with ${parts.join(' and ')}`
  }
}

function isAmong(values: readonly string[] | undefined, value: string | undefined): boolean {
  return values === undefined || (value !== undefined && values.includes(value))
}

function instantOf(option: string): (text: string) => number {
  return (given) => {
    try {
      return parseInstant(given, option)
    } catch (error) {
      throw new InvalidArgumentError(errorText(error))
    }
  }
}
