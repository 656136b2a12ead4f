import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ConnectOptions, QueueType, TopologyMode } from '../index.js'
import { isHttpUrl } from '../operate/http.js'
import type { OperatorOptions } from '../operate/operator-settings.js'
import { usage } from './exit.js'
import { addStoreOptions, type StoreSettings } from './stores/store-options.js'
import type { Terminal } from './terminal.js'

/** The options that every command has. */
export interface Settings extends StoreSettings {
  url?: string[]
  namespace?: string
  queueType?: QueueType
  topology?: TopologyMode
  json?: boolean
  utc?: boolean
}

/** The options of the commands for operators. */
export interface OperatorFlags extends Settings {
  /** For a cluster, one URL for each node. */
  management?: string | string[] | false
}

export function addSettings(program: Command): void {
  const url = 'of RabbitMQ; several are tried in turn (default: amqp://localhost)'
  program
    .addOption(new Option('--url <url>', url).env('AMQP_URL').argParser(collect))
    .addOption(new Option('--namespace <name>', 'first part of all names (default: dueque)').env('DUEQUE_NAMESPACE'))
    .addOption(
      new Option('--queue-type <type>', 'quorum or classic: of queues declared (default: quorum)').choices([
        'quorum',
        'classic',
      ]),
    )
    .addOption(
      new Option('--topology <mode>', 'declare or trust: an operator has (default: declare)')
        .choices(['declare', 'trust'])
        .env('DUEQUE_TOPOLOGY'),
    )
    .option('--json', 'print JSON, one document a line; errors too')
    .option('--utc', 'times in UTC in a terminal too, instead of relative ones in its own zone')
  addStoreOptions(program)
}

export function connectOptions({ url, namespace, queueType, topology }: Settings, terminal: Terminal): ConnectOptions {
  return { url, namespace, queueType, topology, logger: terminal.logger }
}

/** @throws CommandError for a URL that is none */
export function operatorOptions({ management, ...settings }: OperatorFlags, terminal: Terminal): OperatorOptions {
  const urls = management === undefined || management === false ? [] : [management].flat()
  if (!urls.every(isHttpUrl)) throw usage('--management: expected a URL such as http://localhost:15672')
  return { ...connectOptions(settings, terminal), management }
}

/** For options that may be given several times. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

export function wholeNumber(text: string): number {
  const number = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('Expected a whole number.')
  return number
}

export function managementOption(): Option {
  const text = 'of the management API'
  return new Option('--management <url>', text).env('RABBITMQ_MANAGEMENT_URL')
}

/** For what each node of a cluster knows of itself alone. */
export function managementOfEachNode(): Option {
  const option = managementOption().argParser(collect)
  option.description += '; once for each node'
  return option
}

export function dryRunOption(): Option {
  return new Option('--dry-run', 'show what would happen, and change nothing')
}

export function shardCount(text: string): number {
  const count = wholeNumber(text)
  if (count < 1 || count > 64) throw new InvalidArgumentError('Expected a whole number from 1 to 64.')
  return count
}

/** Messages a second. */
export function rateOf(text: string): number {
  const [, count] = /^(\d{1,9}(?:\.\d{1,9})?)(?:\/s)?$/.exec(text) ?? []
  if (!Number(count)) throw new InvalidArgumentError('Expected a rate such as 50/s.')
  return Number(count)
}
