import { Layout } from '../../amqp/topology/layout.js'
import type { Part } from '../../amqp/topology/part.js'
import type { Names } from '../../amqp/topology/names.js'
import { flag, nonEmptyText } from '../../base/checks.js'
import { dueExchange, duePart } from '../../forwarding/intake-parts.js'
import { managementApis } from '../management/api.js'
import { assertOwnBroker } from '../management/same-broker.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { applyParts, withDeclarer } from '../topology/parts.js'
import { exchangeWithBindings, lackingBindings, type ExchangeWithBindings } from './delayed-exchanges.js'

export interface CopyExchangeOptions extends OperatorOptions {
  /** The name of the copy. @default the exchange's, and `.due` */
  to?: string | undefined
  /** Looks what would be declared, and declares nothing. @default false */
  dryRun?: boolean | undefined
}

export interface ExchangeCopy {
  exchange: string
  type: string
  /** Whether it was not there before; with `dryRun`, whether it would be declared. */
  created: boolean
  /** Bindings of the exchange, all of which the copy has. */
  bindings: number
  /** With `dryRun`, how many of these it lacks. */
  lacking?: number
  /** Exchanges that the exchange itself is bound to. Nothing is done about these. */
  boundTo: readonly string[]
}

/**
 * Declares an ordinary exchange of the type that an exchange of the delayed-message plugin has underneath, with its bindings.
 * Takes nothing away, and adds what is missing when it is repeated.
 *
 * @throws DuequeError `MANAGEMENT_FAILED`, also for the API of another broker; `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`; as
 * `connect` does
 */
export async function copyExchange(exchange: string, options: CopyExchangeOptions = {}): Promise<ExchangeCopy> {
  const settings = operatorSettings(options, { to: nonEmptyText, dryRun: flag })
  const { to = dueExchange(exchange) } = options
  const [api] = managementApis(settings, settings.endpoints)
  await assertOwnBroker([api], settings)
  const old = await exchangeWithBindings(api, settings.vhost, exchange)
  const { names, vhost } = settings
  const copy = copyOf(names, old, to)
  const made = {
    exchange: to,
    type: copy.type,
    bindings: old.behind.length,
    boundTo: old.before.map(({ from }) => from),
  }
  if (options.dryRun) {
    const isThere = await withDeclarer(settings, (declarer) => declarer.exists('exchange', to))
    const behind = isThere ? (await exchangeWithBindings(api, vhost, to)).behind : []
    return { ...made, created: !isThere, lacking: lackingBindings(old, { behind }).length }
  }
  const parts = [...new Layout(names, settings.queueType).base(), copy, ...bindingsOf(old, to)]
  const changes = await withDeclarer(settings, (declarer) => applyParts(declarer, parts, { workQueues: [] }))
  return { ...made, created: changes.some(({ name, change }) => name === to && change === 'created') }
}

function copyOf(names: Names, { type, arguments: args }: ExchangeWithBindings, to: string) {
  const { 'x-delayed-type': underneath, ...own } = args
  return duePart(names, to, typeof underneath === 'string' ? underneath : type, own)
}

function bindingsOf({ behind }: ExchangeWithBindings, from: string): Part[] {
  return behind.map((binding) => ({ ...binding, from }))
}
