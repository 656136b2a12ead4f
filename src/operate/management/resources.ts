import { ask, type ManagementApi } from './api.js'
import { as, flag, list, number, object, oneOf, or, record, text, type Read } from './shape.js'

/** Messages of one queue. */
export interface MessageCount {
  messages: number
  /** Without unacked messages, and without those with the dead-letter worker of a wait queue. */
  ready: number
}

export function sumOf(counts: readonly MessageCount[]): MessageCount {
  const sum = (field: keyof MessageCount) => counts.reduce((total, count) => total + count[field], 0)
  return { messages: sum('messages'), ready: sum('ready') }
}

export interface QueueFact extends MessageCount {
  name: string
  type: string
  durable: boolean
  arguments: Readonly<Record<string, unknown>>
}

export interface ExchangeFact {
  name: string
  type: string
  arguments: Readonly<Record<string, unknown>>
}

export interface BindingFact {
  to: 'queue' | 'exchange'
  name: string
  key: string
}

const queue = as(
  object({
    name: text,
    type: or(text, 'classic'),
    durable: flag,
    arguments: record,
    messages: or(number, 0),
    messages_ready: or(number, 0),
  }),
  ({ messages_ready: ready, ...rest }): QueueFact => ({ ...rest, ready }),
)

const pageOfQueues = object({ page_count: number, items: list(queue) })

/** Totals alone come fresher than the statistics, also where those are off: they are some seconds old at most. */
const TOTALS = 'columns=name,type,durable,arguments,messages,messages_ready&disable_stats=true&enable_queue_totals=true'
const PAGE_SIZE = 500

/**
 * The queues of a vhost with their messages, by name.
 *
 * @param pattern a regular expression for the names; all queues without one
 * @throws DuequeError `MANAGEMENT_FAILED`
 */
export async function listQueues(api: ManagementApi, vhost: string, pattern?: string): Promise<Map<string, QueueFact>> {
  const queues = new Map<string, QueueFact>()
  const filter = pattern === undefined ? '' : `&use_regex=true&name=${encodeURIComponent(pattern)}`
  for (let page = 1, pages = 1; page <= pages; page++) {
    const path = `/api/queues/${encodeURIComponent(vhost)}?${TOTALS}&page=${page}&page_size=${PAGE_SIZE}${filter}`
    const answer = await ask(api, path, pageOfQueues)
    pages = answer.page_count
    for (const one of answer.items) queues.set(one.name, one)
  }
  return queues
}

const exchangeList = list(object({ name: text, type: text, arguments: record }))

/** @throws DuequeError `MANAGEMENT_FAILED` */
export async function listExchanges(api: ManagementApi, vhost: string): Promise<Map<string, ExchangeFact>> {
  const path = `/api/exchanges/${encodeURIComponent(vhost)}?columns=name,type,arguments`
  const exchanges = await ask(api, path, exchangeList)
  return new Map(exchanges.map((exchange) => [exchange.name, exchange]))
}

const stats = object({ publish_in: or(number, 0) })
/** Statistics that are empty are an empty list: Erlang has no other empty object. */
const publishIn: Read<number> = (value) => (Array.isArray(value) ? 0 : stats(value).publish_in)
const publishCounts = list(object({ name: text, message_stats: or(publishIn, undefined) }))

/**
 * How many messages clients have published to the exchanges of these names, since the statistics of the broker began. Undefined
 * without statistics, which an exchange has from its first message on, if they are not off.
 *
 * @throws DuequeError `MANAGEMENT_FAILED`
 */
export async function publishedTo(
  api: ManagementApi,
  vhost: string,
  names: ReadonlySet<string>,
): Promise<number | undefined> {
  const path = `/api/exchanges/${encodeURIComponent(vhost)}?columns=name,message_stats.publish_in`
  const exchanges = await ask(api, path, publishCounts)
  const counts = exchanges.flatMap(({ name, message_stats: count }) => (names.has(name) ? (count ?? []) : []))
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0)
}

const bindingList = list(
  as(
    object({ destination: text, destination_type: oneOf('queue', 'exchange'), routing_key: text }),
    ({ destination, destination_type, routing_key }): BindingFact => ({
      to: destination_type,
      name: destination,
      key: routing_key,
    }),
  ),
)

/** The bindings that start from an exchange. @throws DuequeError `MANAGEMENT_FAILED` */
export function bindingsFrom(api: ManagementApi, vhost: string, exchange: string): Promise<BindingFact[]> {
  const path = `/api/exchanges/${encodeURIComponent(vhost)}/${encodeURIComponent(exchange)}/bindings/source`
  return ask(api, path, bindingList)
}

/** The same for several exchanges, by their names. @throws DuequeError `MANAGEMENT_FAILED` */
export async function bindingsFromEach(
  api: ManagementApi,
  vhost: string,
  exchanges: Iterable<string>,
): Promise<Map<string, BindingFact[]>> {
  const bindings = new Map<string, BindingFact[]>()
  for (const name of exchanges) bindings.set(name, await bindingsFrom(api, vhost, name))
  return bindings
}

const connectionList = list(
  as(object({ client_properties: or(record, undefined) }), ({ client_properties: own }): ConnectionFact => ({
    product: own?.['product'],
  })),
)

export interface ConnectionFact {
  /** What the client calls itself. */
  product: unknown
}

/** The connections to a vhost that the user may see. @throws DuequeError `MANAGEMENT_FAILED` */
export function connectionsOf(api: ManagementApi, vhost: string): Promise<ConnectionFact[]> {
  return ask(api, `/api/vhosts/${encodeURIComponent(vhost)}/connections?columns=client_properties`, connectionList)
}
