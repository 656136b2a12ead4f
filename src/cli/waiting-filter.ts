import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Destination } from '../message/destination.js'
import { parseInstant } from '../message/due.js'
import { errorText } from '../base/errors.js'
import type { WaitingFilter } from '../index.js'
import { usage } from './exit.js'

export interface FilterOptions {
  from?: Date
  to?: Date
  name?: string
  queue?: string
  exchange?: string
  key?: string
}

/** Which of the messages that wait are meant. */
export function addFilter(command: Command): Command {
  return command
    .option(
      '--from <instant>',
      'just messages that are handed over at this ISO 8601 time with a zone, or later',
      instantOf,
    )
    .option('--to <instant>', 'just messages that are handed over before this time', instantOf)
    .option('--name <name>', 'just messages of this name')
    .option('--queue <queue>', 'just what goes to this queue')
    .addOption(new Option('--exchange <exchange>', 'just what goes to this exchange').conflicts('queue'))
    .addOption(new Option('--key <key>', 'just with this routing key, beside --exchange').conflicts('queue'))
}

export function filterOf({ from, to, name, queue, exchange, key }: FilterOptions): WaitingFilter {
  if (key !== undefined && exchange === undefined) throw usage('--key: only beside --exchange')
  const destination = { queue, exchange, routingKey: key } as Destination
  const isTo = queue !== undefined || exchange !== undefined
  return { due: { from, to }, name, destination: isTo ? destination : undefined }
}

function instantOf(text: string): Date {
  try {
    return new Date(parseInstant(text, 'instant'))
  } catch (error) {
    throw new InvalidArgumentError(errorText(error))
  }
}
