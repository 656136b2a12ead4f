import { z } from 'zod'
import type { Part } from '../amqp/layout.js'
import type { Names } from '../amqp/names.js'
import type { BindingFact, ExchangeFact, Look, ManagementFacts, PolicyFact, QueueFact } from '../doctor/facts.js'
import { limitedByBytes } from '../doctor/destinations.js'
import { outletsOf } from '../doctor/outlets.js'
import { UNITS } from '../strategies/ladder/rungs.js'
import { CommandError } from './exit.js'
import { ask, type ManagementApi } from './management.js'

const values = z.record(z.string(), z.unknown())

const overviewSchema = z
  .object({ erlang_version: z.string(), exchange_types: z.array(z.object({ name: z.string() })).default([]) })
  .transform(({ erlang_version: erlang, exchange_types }) => ({
    erlang,
    exchangeTypes: exchange_types.map(({ name }) => name),
  }))

const nodesSchema = z.array(
  z
    .object({
      name: z.string(),
      running: z.boolean(),
      mem_alarm: z.boolean().default(false),
      disk_free_alarm: z.boolean().default(false),
    })
    .transform(({ name, running, mem_alarm, disk_free_alarm }) => ({
      name,
      running,
      memoryAlarm: mem_alarm,
      diskAlarm: disk_free_alarm,
    })),
)

const flagsSchema = z.array(
  z
    .object({ name: z.string(), state: z.string(), stability: z.string() })
    .transform(({ name, state, stability }) => ({ name, enabled: state === 'enabled', stability })),
)

const policiesSchema = z.array(
  z
    .object({
      name: z.string(),
      pattern: z.string(),
      'apply-to': z.string(),
      priority: z.number(),
      definition: values,
    })
    .transform(({ 'apply-to': applyTo, ...rest }): PolicyFact => ({ ...rest, applyTo })),
)

const exchangesSchema = z.array(z.object({ name: z.string(), type: z.string(), arguments: values }))

const bindingsSchema = z.array(
  z
    .object({ destination: z.string(), destination_type: z.enum(['queue', 'exchange']), routing_key: z.string() })
    .transform(({ destination, destination_type, routing_key }): BindingFact => ({
      to: destination_type,
      name: destination,
      key: routing_key,
    })),
)

const queuesSchema = z.object({
  page_count: z.number(),
  items: z.array(
    z
      .object({
        name: z.string(),
        type: z.string().default('classic'),
        durable: z.boolean(),
        arguments: values,
        messages: z.number().default(0),
        messages_ready: z.number().default(0),
      })
      .transform(({ messages_ready: ready, ...rest }): QueueFact => ({ ...rest, ready })),
  ),
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
  await part(PARTS[0], 'overview', () => ask(api, '/api/overview', overviewSchema))
  // One that is not there is not asked eight times.
  if (!facts.overview) return nothingKnown(facts.missing[0]!.reason)
  await part(PARTS[1], 'nodes', () => ask(api, '/api/nodes', nodesSchema))
  await part(PARTS[2], 'flags', () => ask(api, '/api/feature-flags', flagsSchema))
  await part(PARTS[3], 'policies', () => ask(api, `/api/policies/${v}`, policiesSchema))
  await part(PARTS[4], 'operatorPolicies', () => ask(api, `/api/operator-policies/${v}`, policiesSchema))
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
    const answer = await ask(api, `/api/queues/${encodeURIComponent(vhost)}?${query}`, queuesSchema)
    pages = answer.page_count
    for (const queue of answer.items) queues.set(queue.name, queue)
  }
  return { at: performance.now(), queues }
}

const readyBytesSchema = z.object({ message_bytes_ready: z.number().optional() })

/** A statistic, at most some seconds old, which the list of queues has only with all other statistics. */
async function readyBytesOf(api: ManagementApi, v: string, queues: readonly string[]): Promise<Map<string, number>> {
  const bytes = new Map<string, number>()
  for (const queue of queues) {
    const answer = await ask(api, `/api/queues/${v}/${encodeURIComponent(queue)}`, readyBytesSchema)
    if (answer.message_bytes_ready !== undefined) bytes.set(queue, answer.message_bytes_ready)
  }
  return bytes
}

async function exchangesOf(api: ManagementApi, v: string): Promise<Map<string, ExchangeFact>> {
  const exchanges = await ask(api, `/api/exchanges/${v}?columns=name,type,arguments`, exchangesSchema)
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
    bindings.set(name, await ask(api, path, bindingsSchema))
  }
  return bindings
}
