import type { Part } from '../amqp/topology/layout.js'
import type { Names } from '../amqp/topology/names.js'
import type {
  BindingFact,
  ExchangeFact,
  Look,
  ManagementFacts,
  PolicyFact,
  QueueFact,
} from '../operate/doctor/facts.js'
import { limitedByBytes } from '../operate/doctor/destinations.js'
import { outletsOf } from '../operate/doctor/outlets.js'
import { UNITS } from '../strategies/ladder/rungs.js'
import { CommandError } from './exit.js'
import { ask, type ManagementApi } from './management.js'
import { as, flag, list, number, object, oneOf, or, record, text } from './shape.js'

const overview = as(
  object({ erlang_version: text, exchange_types: or(list(object({ name: text })), []) }),
  ({ erlang_version: erlang, exchange_types }) => ({ erlang, exchangeTypes: exchange_types.map(({ name }) => name) }),
)

const nodes = list(
  as(
    object({ name: text, running: flag, mem_alarm: or(flag, false), disk_free_alarm: or(flag, false) }),
    ({ name, running, mem_alarm: memoryAlarm, disk_free_alarm: diskAlarm }) => ({
      name,
      running,
      memoryAlarm,
      diskAlarm,
    }),
  ),
)

const flags = list(
  as(object({ name: text, state: text, stability: text }), ({ name, state, stability }) => ({
    name,
    enabled: state === 'enabled',
    stability,
  })),
)

const policies = list(
  as(
    object({ name: text, pattern: text, 'apply-to': text, priority: number, definition: record }),
    ({ 'apply-to': applyTo, ...rest }): PolicyFact => ({ ...rest, applyTo }),
  ),
)

const exchangeList = list(object({ name: text, type: text, arguments: record }))

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

const queueFields = object({
  name: text,
  type: or(text, 'classic'),
  durable: flag,
  arguments: record,
  messages: or(number, 0),
  messages_ready: or(number, 0),
})

const pageOfQueues = object({
  page_count: number,
  items: list(as(queueFields, ({ messages_ready: ready, ...rest }): QueueFact => ({ ...rest, ready }))),
})

/** Asks for one thing after the other: a user may be allowed to see some of them only. Never throws for want of the API. */
export async function managementFacts(api: ManagementApi, vhost: string, names: Names): Promise<ManagementFacts> {
  const facts: ManagementFacts = { missing: [] }
  const part = async <K extends keyof ManagementFacts>(
    name: string,
    key: K,
    get: () => Promise<ManagementFacts[K]>,
  ) => {
    try {
      facts[key] = await get()
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      facts.missing.push({ part: name, reason: error.message })
    }
  }
  const v = encodeURIComponent(vhost)
  await part(PARTS[0], 'overview', () => ask(api, '/api/overview', overview))
  // One that is not there is not asked eight times.
  if (!facts.overview) return nothingKnown(facts.missing[0]!.reason)
  await part(PARTS[1], 'nodes', () => ask(api, '/api/nodes', nodes))
  await part(PARTS[2], 'flags', () => ask(api, '/api/feature-flags', flags))
  await part(PARTS[3], 'policies', () => ask(api, `/api/policies/${v}`, policies))
  await part(PARTS[4], 'operatorPolicies', () => ask(api, `/api/operator-policies/${v}`, policies))
  await part(PARTS[5], 'looks', async () => [await lookAtQueues(api, vhost)])
  await part(PARTS[6], 'exchanges', () => exchangesOf(api, v))
  if (facts.exchanges) {
    const known = facts.exchanges
    const sources = [...sourcesOf(names), ...outletsOf({ names, management: facts })].filter((name) => known.has(name))
    await part(PARTS[7], 'bindings', () => bindingsOf(api, v, sources))
    await part(PARTS[8], 'readyBytes', () => readyBytesOf(api, v, limitedByBytes({ names, management: facts })))
  }
  return facts
}

/**
 * What of it tells how these parts are declared.
 *
 * @throws CommandError `MANAGEMENT_FAILED`
 */
export async function layoutFacts(
  api: ManagementApi,
  vhost: string,
  parts: readonly Part[],
): Promise<Required<Pick<ManagementFacts, 'looks' | 'exchanges' | 'bindings'>>> {
  const v = encodeURIComponent(vhost)
  const exchanges = await exchangesOf(api, v)
  const sources = new Set(parts.flatMap((part) => (part.kind === 'binding' ? [part.from] : [])))
  const known = [...sources].filter((name) => exchanges.has(name))
  return {
    looks: [await lookAtQueues(api, vhost)],
    exchanges,
    bindings: await bindingsOf(api, v, known),
  }
}

const PARTS = [
  'Erlang and exchange types',
  'memory and disk alarms',
  'feature flags',
  'policies',
  'operator policies',
  'queues (rungs, destinations, jams)',
  'exchanges',
  'bindings',
  'bytes in queues with a limit of them',
] as const

/** Where there is no management API. */
export function nothingKnown(reason: string): ManagementFacts {
  return { missing: PARTS.map((part) => ({ part, reason })) }
}

/** Only totals, which are fresher than statistics: at most some seconds old. */
export async function lookAtQueues(api: ManagementApi, vhost: string): Promise<Look> {
  const columns = 'columns=name,type,durable,arguments,messages,messages_ready'
  const queues = new Map<string, QueueFact>()
  for (let page = 1, pages = 1; page <= pages; page++) {
    const query = `${columns}&disable_stats=true&enable_queue_totals=true&page=${page}&page_size=500`
    const answer = await ask(api, `/api/queues/${encodeURIComponent(vhost)}?${query}`, pageOfQueues)
    pages = answer.page_count
    for (const queue of answer.items) queues.set(queue.name, queue)
  }
  return { at: performance.now(), queues }
}

const readyBytes = object({ message_bytes_ready: or(number, undefined) })

/** A statistic, at most some seconds old, which the list of queues has only with all other statistics. */
async function readyBytesOf(api: ManagementApi, v: string, queues: readonly string[]): Promise<Map<string, number>> {
  const bytes = new Map<string, number>()
  for (const queue of queues) {
    const answer = await ask(api, `/api/queues/${v}/${encodeURIComponent(queue)}`, readyBytes)
    if (answer.message_bytes_ready !== undefined) bytes.set(queue, answer.message_bytes_ready)
  }
  return bytes
}

async function exchangesOf(api: ManagementApi, v: string): Promise<Map<string, ExchangeFact>> {
  const exchanges = await ask(api, `/api/exchanges/${v}?columns=name,type,arguments`, exchangeList)
  return new Map(exchanges.map((exchange) => [exchange.name, exchange]))
}

function sourcesOf(names: Names): string[] {
  return [
    ...UNITS.flatMap((unit) => [names.entry(unit), names.next(unit)]),
    names.deliver,
    names.dead,
    names.unroutable,
    names.parked,
  ]
}

async function bindingsOf(
  api: ManagementApi,
  v: string,
  sources: readonly string[],
): Promise<Map<string, BindingFact[]>> {
  const bindings = new Map<string, BindingFact[]>()
  for (const name of sources) {
    const path = `/api/exchanges/${v}/${encodeURIComponent(name)}/bindings/source`
    bindings.set(name, await ask(api, path, bindingList))
  }
  return bindings
}
