import { InvalidArgumentError, type Command } from 'commander'
import { errorText } from '../../base/errors.js'
import { parseInstant } from '../../message/due.js'
import type { FailedFilter } from '../../operate/failed/failed-filter.js'
import { collect } from '../settings.js'
import { plain } from '../terminal.js'
import type { FailedGroup } from './group.js'

/** The flags of a filter. Each of them narrows the choice; of one that is given several times, any value will do. */
export interface FilterFlags {
  id?: string[]
  name?: string[]
  reason?: string[]
  /** Milliseconds since the epoch. */
  before?: number
  after?: number
}

export function addFilter(command: Command, { failed, reasons }: Pick<FailedGroup, 'failed' | 'reasons'>): Command {
  command
    .option('--id <id>', 'just this message and its copies; several times', collect)
    .option('--name <name>', 'just messages of this name; several times', collect)
  if (reasons) command.option('--reason <reason>', 'just for this reason; several times', collectAmong(reasons))
  return command
    .option('--before <instant>', `just those that ${failed} before this time`, instantOf('--before'))
    .option('--after <instant>', `just those that ${failed} then or later`, instantOf('--after'))
}

export function filterOf({ id, name, reason, before, after }: FilterFlags): FailedFilter {
  return { id, name, reason, before, after }
}

/** For a question: `with id a or b and reason expired`. */
export function filterText({ before, after, ...texts }: FailedFilter): string {
  const parts = (['id', 'name', 'reason'] as const).flatMap((option) => {
    const values = texts[option]
    return values ? [`${option} ${values.map((one) => plain(one)).join(' or ')}`] : []
  })
  if (after !== undefined) parts.push(`after ${new Date(after).toISOString()}`)
  if (before !== undefined) parts.push(`before ${new Date(before).toISOString()}`)
  return `with ${parts.join(' and ')}`
}

/** A misspelt reason would mean no message at all. */
function collectAmong(known: readonly string[]): typeof collect {
  return (value, before) => {
    if (!known.includes(value)) throw new InvalidArgumentError(`Expected one of ${known.join(', ')}.`)
    return collect(value, before)
  }
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
