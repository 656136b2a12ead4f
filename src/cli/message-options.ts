import { readFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { errorText } from '../base/errors.js'
import { usage } from './exit.js'
import type { Fields } from './item.js'
import { parseJson } from './json.js'
import { collect, wholeNumber } from './settings.js'

/** The options that say what a message holds and where it goes. */
export type MessageOptions = Omit<Fields, 'headers' | 'in' | 'at' | 'id'> & {
  header?: string[]
  declare?: boolean
  data?: string
  file?: string
}

export function addDestination(command: Command): Command {
  return command
    .option('--queue <queue>', 'where to')
    .addOption(new Option('--exchange <exchange>', 'where to, instead of a queue').conflicts('queue'))
    .addOption(new Option('--key <key>', 'routing key for the exchange').conflicts('queue'))
    .option('--declare', 'declare a missing queue instead of failing')
}

export function addDue(command: Command): Command {
  return command
    .option('--in <duration>', 'due in 250ms, 90s, 1h30m, "5 minutes", 7d, PT1H, …')
    .addOption(new Option('--at <instant>', 'due at an ISO 8601 time with a zone').conflicts('in'))
}

/** @param file what `--file` may be */
export function addContent(command: Command, file: string): Command {
  return command
    .option('--name <name>', 'the name that on(…) goes by (default: message)')
    .option('--schema-version <n>', "version of the payload's schema (default: 1)", wholeNumber)
    .option('--header <name=value>', 'a header with a text; may be given several times', collect)
    .option('--priority <n>', '0 to 4', wholeNumber)
    .option('--correlation-id <id>', 'what the consumer gets as correlationId')
    .option('--expires-in <duration>', 'goes to the dead queue so long after its due time')
    .option('--data <json>', 'the payload')
    .addOption(new Option('--file <path>', file).conflicts('data'))
}

/** @throws CommandError of wrong usage */
export function fieldsOf<T extends { header?: string[] }>({ header, ...options }: T) {
  return { ...options, headers: header && headersOf(header) }
}

/** @throws CommandError of wrong usage */
export function headersOf(header: readonly string[]): Record<string, string> {
  return Object.fromEntries(header.map(headerOf))
}

function headerOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw usage(`--header: expected name=value, got ${JSON.stringify(text)}`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/**
 * The payload of one message, of `--data` or else of `--file`.
 *
 * @throws CommandError of wrong usage
 */
export async function readPayload({ data, file }: Pick<MessageOptions, 'data' | 'file'>): Promise<unknown> {
  const [option, text] = data !== undefined ? ['--data', data] : ['--file', await readText(file!)]
  try {
    return parseJson(text)
  } catch (error) {
    throw usage(`${option}: ${errorText(error)}`, error)
  }
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (error) {
    throw usage(`--file: ${errorText(error)}`, error)
  }
}
