import type { BindingPart } from '../../amqp/topology/part.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import { ask, type ManagementApi } from '../management/api.js'
import { list, number, object, oneOf, or, record, text, type Shape } from '../management/shape.js'

/** An exchange of the delayed-message plugin. */
export interface DelayedExchange {
  vhost: string
  name: string
  /** The type that it has underneath: `x-delayed-type`. */
  type: string
  /** Messages that wait in it on the nodes that were asked; null if one of them did not say. */
  messages: number | null
}

export interface DelayedReport {
  exchanges: DelayedExchange[]
  /** Each node has a store of the plugin, and counts its own alone. */
  nodes: { asked: string[]; notAsked: string[] }
}

const anExchange = object({
  name: text,
  vhost: text,
  type: text,
  arguments: record,
  messages_delayed: or(number, undefined),
})
const COLUMNS = 'columns=name,vhost,type,arguments,messages_delayed'

const aBinding = object({
  source: text,
  destination: text,
  destination_type: oneOf('queue', 'exchange'),
  routing_key: text,
  arguments: record,
})

/**
 * The messages that wait in the plugin, by exchange, in every virtual host that the user may see.
 *
 * @param apis of different nodes; one that was asked already, as behind a load balancer, does not count again
 * @throws DuequeError `MANAGEMENT_FAILED`
 */
export async function delayedReport(apis: readonly ManagementApi[]): Promise<DelayedReport> {
  const found = new Map<string, DelayedExchange>()
  const asked = new Set<string>()
  const all = new Set<string>()
  for (const api of apis) {
    const { node } = await ask(api, '/api/overview', object({ node: text }))
    if (asked.has(node)) continue
    asked.add(node)
    const nodes = await ask(api, '/api/nodes', list(object({ name: text })))
    for (const { name } of nodes) all.add(name)
    const exchanges = await ask(api, `/api/exchanges?${COLUMNS}`, list(anExchange))
    for (const exchange of exchanges.filter(({ type }) => type === 'x-delayed-message')) add(found, exchange)
  }
  const notAsked = [...all].filter((name) => !asked.has(name))
  return { exchanges: [...found.values()], nodes: { asked: [...asked], notAsked } }
}

function add(found: Map<string, DelayedExchange>, exchange: Shape<typeof anExchange>): void {
  const { vhost, name, messages_delayed: messages = null } = exchange
  const key = JSON.stringify([vhost, name])
  const before = found.get(key)
  const sum = before?.messages === null || messages === null ? null : (before?.messages ?? 0) + messages
  found.set(key, { vhost, name, type: String(exchange.arguments['x-delayed-type']), messages: sum })
}

/**
 * The messages that wait in one exchange on the node that is asked: null if it does not say, undefined if there is no such
 * exchange.
 *
 * @throws DuequeError `MANAGEMENT_FAILED`
 */
export async function delayedIn(api: ManagementApi, vhost: string, name: string): Promise<number | null | undefined> {
  const exchanges = await ask(api, `/api/exchanges/${encodeURIComponent(vhost)}?${COLUMNS}`, list(anExchange))
  const found = exchanges.find((exchange) => exchange.name === name)
  return found && (found.messages_delayed ?? null)
}

/** An exchange with its bindings: to consumers' queues behind it, and from exchanges in front of it. */
export interface ExchangeWithBindings {
  type: string
  arguments: Readonly<Record<string, unknown>>
  behind: BindingPart[]
  before: BindingPart[]
}

/** @throws DuequeError `MANAGEMENT_FAILED`, also if there is no such exchange */
export async function exchangeWithBindings(
  api: ManagementApi,
  vhost: string,
  name: string,
): Promise<ExchangeWithBindings> {
  const path = `/api/exchanges/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`
  const { type, arguments: args } = await ask(api, `${path}?${COLUMNS}`, anExchange).catch((error: unknown) => {
    if (!isDuequeError(error, 'MANAGEMENT_FAILED')) throw error
    throw new DuequeError(error.code, `exchange ${name}: ${error.message}`, error.data, { cause: error })
  })
  const [behind, before] = await Promise.all(
    (['source', 'destination'] as const).map((side) =>
      ask(api, `${path}/bindings/${side}`, list(aBinding)).then((bindings) => bindings.map(partOf)),
    ),
  )
  return { type, arguments: args, behind: behind!, before: before! }
}

/** The bindings of one exchange that another one lacks. */
export function lackingBindings(
  { behind }: Pick<ExchangeWithBindings, 'behind'>,
  { behind: others }: Pick<ExchangeWithBindings, 'behind'>,
): BindingPart[] {
  return behind.filter((one) => !others.some((other) => isSame(one, other)))
}

function isSame(one: BindingPart, other: BindingPart): boolean {
  const shown = ({ to, name, key, arguments: args }: BindingPart) => JSON.stringify([to, name, key, sorted(args ?? {})])
  return shown(one) === shown(other)
}

function sorted(args: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1))
}

function partOf(binding: Shape<typeof aBinding>): BindingPart {
  const { source: from, destination: name, destination_type: to, routing_key: key, arguments: args } = binding
  return { kind: 'binding', from, to, name, key, arguments: args }
}
