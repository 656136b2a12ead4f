import { InvalidArgumentError, Option, type Command } from 'commander'
import { destinationText, type Destination } from '../message/destination.js'
import { parseInstant } from '../message/due.js'
import { errorText } from '../base/errors.js'
import type { WaitingFilter } from '../index.js'
import { usage } from './exit.js'
import { headersOf } from './message-options.js'
import { collect } from './settings.js'
import { plain } from './terminal.js'

export interface FilterOptions {
  from?: Date
  to?: Date
  name?: string
  queue?: string
  exchange?: string
  key?: string
  idPrefix?: string
  header?: string[]
}

/** Which waiting messages are meant: those that match every option that is given. */
export function addFilter(command: Command): Command {
  return command
    .option('--from <instant>', 'just messages handed over at this time or later', instantOf)
    .option('--to <instant>', 'just messages handed over before this time', instantOf)
    .option('--name <name>', 'just messages of this name')
    .option('--queue <queue>', 'just messages to this queue')
    .addOption(new Option('--exchange <exchange>', 'just messages to this exchange').conflicts('queue'))
    .addOption(new Option('--key <key>', 'just messages with this key, beside --exchange').conflicts('queue'))
    .option('--id-prefix <text>', 'just messages whose id begins so')
    .option('--header <name=value>', 'just messages with this header; several times', collect)
}

/** @throws CommandError of wrong usage */
export function filterOf(options: FilterOptions): WaitingFilter {
  const { from, to, name, queue, exchange, key, idPrefix, header } = options
  if (key !== undefined && exchange === undefined) throw usage('--key: only beside --exchange')
  const headers = header && headersOf(header)
  if (headers && Object.keys(headers).length < header.length) throw usage('--header: expected each name once')
  // Often a variable that is not set: it would fit every message.
  if (idPrefix === '') throw usage('--id-prefix: expected a text, got ""')
  if (from && to && from >= to) throw usage('--from: expected a time before --to')
  const destination = { queue, exchange, routingKey: key } as Destination
  const isTo = queue !== undefined || exchange !== undefined
  return { due: { from, to }, name, destination: isTo ? destination : undefined, idPrefix, headers }
}

const FLAGS: Record<keyof FilterOptions, string> = {
  from: '--from',
  to: '--to',
  name: '--name',
  queue: '--queue',
  exchange: '--exchange',
  key: '--key',
  idPrefix: '--id-prefix',
  header: '--header',
}

/** The flags of a filter that were given. */
export function filterFlags(options: FilterOptions): string[] {
  return Object.entries(FLAGS).flatMap(([name, flag]) =>
    options[name as keyof FilterOptions] === undefined ? [] : [flag],
  )
}

/** For a question: `to queue:reminders, with ids that begin with order/`. Empty if no message is left out. */
export function filterText({ due = {}, name, destination, idPrefix, headers = {} }: WaitingFilter): string {
  const parts: string[] = []
  if (name !== undefined) parts.push(`of the name ${name}`)
  if (destination) {
    const { routingKey } = destination
    parts.push(`to ${destinationText(destination)}${routingKey === undefined ? '' : ` with the key ${routingKey}`}`)
  }
  if (idPrefix !== undefined) parts.push(`with ids that begin with ${idPrefix}`)
  for (const [header, value] of Object.entries(headers))
    parts.push(`with the header ${header}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  if (due.from) parts.push(`from ${due.from.toISOString()} on`)
  if (due.to) parts.push(`before ${due.to.toISOString()}`)
  return plain(parts.join(', '))
}

function instantOf(text: string): Date {
  try {
    return new Date(parseInstant(text, 'instant'))
  } catch (error) {
    throw new InvalidArgumentError(errorText(error))
  }
}
