import { Layout } from '../../amqp/topology/layout.js'
import type { Part } from '../../amqp/topology/part.js'
import type { Names } from '../../amqp/topology/names.js'
import { nonEmptyText } from '../../base/checks.js'
import { dueExchange, duePart } from '../../forwarding/intake-parts.js'
import { managementApis } from '../management/api.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { applyParts, withDeclarer } from '../topology/parts.js'
import { exchangeWithBindings, type ExchangeWithBindings } from './delayed-exchanges.js'

export interface CopyExchangeOptions extends OperatorOptions {
  /** The name of the copy. @default the exchange's, and `.due` */
  to?: string | undefined
}

export interface ExchangeCopy {
  exchange: string
  type: string
  /** Whether it was not there before. */
  created: boolean
  /** Bindings of the exchange, all of which the copy has. */
  bindings: number
  /** Exchanges that the exchange itself is bound to. Nothing is done about these. */
  boundTo: readonly string[]
}

/**
 * Declares an ordinary exchange of the type that an exchange of the delayed-message plugin has underneath, with its bindings.
 * Takes nothing away, and adds what is missing when it is repeated.
 *
 * @throws DuequeError `MANAGEMENT_FAILED`, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`; as `connect` does
 */
export async function copyExchange(exchange: string, options: CopyExchangeOptions = {}): Promise<ExchangeCopy> {
  const settings = operatorSettings(options, { to: nonEmptyText })
  const { to = dueExchange(exchange) } = options
  const [api] = managementApis(settings, settings.endpoints)
  const old = await exchangeWithBindings(api, settings.vhost, exchange)
  const { names } = settings
  const copy = copyOf(names, old, to)
  const parts = [...new Layout(names, settings.queueType).base(), copy, ...bindingsOf(old, to)]
  const changes = await withDeclarer(settings, (declarer) => applyParts(declarer, parts, { workQueues: [] }))
  return {
    exchange: to,
    type: copy.type,
    created: changes.some(({ name, change }) => name === to && change === 'created'),
    bindings: old.behind.length,
    boundTo: old.before.map(({ from }) => from),
  }
}

function copyOf(names: Names, { type, arguments: args }: ExchangeWithBindings, to: string) {
  const { 'x-delayed-type': underneath, ...own } = args
  return duePart(names, to, typeof underneath === 'string' ? underneath : type, own)
}

function bindingsOf({ behind }: ExchangeWithBindings, from: string): Part[] {
  return behind.map((binding) => ({ ...binding, from }))
}
