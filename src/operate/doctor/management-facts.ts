import { isDuequeError } from '../../base/errors.js'
import type { Names } from '../../amqp/topology/names.js'
import { cancellationLayout, journalLayout, recurringLayout, type LogLayout } from '../../log/log-layout.js'
import { LadderNames } from '../../strategies/ladder/ladder-names.js'
import { UNITS } from '../../strategies/ladder/rungs.js'
import { ask, type ManagementApi } from '../management/api.js'
import { bindingsFromEach, listExchanges, listQueues } from '../management/resources.js'
import { FORWARDS_TO } from '../../forwarding/gate-options.js'
import { as, flag, list, number, object, or, record, text, type Read } from '../management/shape.js'
import { limitedByBytes } from './destinations.js'
import type { ConsumerFact, Look, ManagementFacts, PolicyFact } from './facts.js'
import { outletsOf } from './outlets.js'

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

/** RabbitMQ 3.10 answers an empty list for the details of a channel that is gone. */
const connectionOf: Read<string | undefined> = (details) => textIn(details, 'connection_name')
const forwardsToOf: Read<string | undefined> = (args) => textIn(args, FORWARDS_TO)

const consumers = as(
  list(object({ queue: object({ name: text }), channel_details: connectionOf, arguments: forwardsToOf })),
  (all) =>
    all.flatMap(({ queue, channel_details: connection, arguments: forwardsTo }): ConsumerFact[] =>
      connection === undefined
        ? []
        : [{ queue: queue.name, connection, ...(forwardsTo !== undefined && { forwardsTo }) }],
    ),
)

function textIn(fields: unknown, name: string): string | undefined {
  const value = (Object(fields) as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}

const connectionNames = as(
  list(object({ name: text, user_provided_name: or(text, undefined) })),
  (all) =>
    new Map(all.flatMap(({ name, user_provided_name: own }) => (own === undefined ? [] : [[name, own] as const]))),
)

const replicas = object({ members: or(list(text), undefined), online: or(list(text), []) })

const NAMES = {
  overview: 'Erlang and exchange types',
  nodes: 'memory and disk alarms',
  flags: 'feature flags',
  policies: 'policies',
  operatorPolicies: 'operator policies',
  looks: 'queues (rungs, destinations, jams)',
  exchanges: 'exchanges',
  bindings: 'bindings',
  replicas: 'replicas of the streams',
  consumers: 'consumers',
  connectionNames: 'names of connections',
  readyBytes: 'bytes in queues with a limit of them',
} as const

type Part = keyof typeof NAMES

/**
 * Asks for one thing after the other: a user may be allowed to see some of them only. What the API does not answer is in
 * `missing`.
 */
export async function managementFacts(api: ManagementApi, vhost: string, names: Names): Promise<ManagementFacts> {
  const facts: ManagementFacts = { missing: [] }
  const v = encodeURIComponent(vhost)
  await add(facts, 'overview', () => ask(api, '/api/overview', overview))
  // An API that does not answer is not asked eight more times.
  if (!facts.overview) return nothingKnown(facts.missing[0]!.reason)
  await add(facts, 'nodes', () => ask(api, '/api/nodes', nodes))
  await add(facts, 'flags', () => ask(api, '/api/feature-flags', flags))
  await add(facts, 'policies', () => ask(api, `/api/policies/${v}`, policies))
  await add(facts, 'operatorPolicies', () => ask(api, `/api/operator-policies/${v}`, policies))
  await add(facts, 'looks', async () => [await lookAtQueues(api, vhost)])
  await add(facts, 'exchanges', () => listExchanges(api, vhost))
  if (facts.exchanges) {
    const known = facts.exchanges
    const sources = [...sourcesOf(names), ...outletsOf({ names, management: facts })].filter((name) => known.has(name))
    await add(facts, 'bindings', () => bindingsFromEach(api, vhost, sources))
    await add(facts, 'readyBytes', () => readyBytesOf(api, v, limitedByBytes({ names, management: facts })))
  }
  await add(facts, 'replicas', () => replicasOf(api, v, streamsOf(names, facts)))
  await add(facts, 'consumers', () => ask(api, `/api/consumers/${v}`, consumers))
  await add(facts, 'connectionNames', () =>
    ask(api, `/api/vhosts/${v}/connections?columns=name,user_provided_name`, connectionNames),
  )
  return facts
}

/** Adds one part of the facts, or why it is missing. */
async function add<K extends Part>(facts: ManagementFacts, part: K, get: () => Promise<ManagementFacts[K]>) {
  try {
    facts[part] = await get()
  } catch (error) {
    if (!isDuequeError(error, 'MANAGEMENT_FAILED')) throw error
    facts.missing.push({ part: NAMES[part], reason: error.message })
  }
}

/** The facts where there is no management API. */
export function nothingKnown(reason: string): ManagementFacts {
  return { missing: Object.values(NAMES).map((part) => ({ part, reason })) }
}

/** @throws DuequeError `MANAGEMENT_FAILED` */
export async function lookAtQueues(api: ManagementApi, vhost: string): Promise<Look> {
  const queues = await listQueues(api, vhost)
  return { at: performance.now(), queues }
}

const readyBytes = object({ message_bytes_ready: or(number, undefined) })

/** A statistic, some seconds old at most. The list of queues has it only together with all other statistics. */
async function readyBytesOf(api: ManagementApi, v: string, queues: readonly string[]): Promise<Map<string, number>> {
  const bytes = new Map<string, number>()
  for (const queue of queues) {
    const answer = await ask(api, `/api/queues/${v}/${encodeURIComponent(queue)}`, readyBytes)
    if (answer.message_bytes_ready !== undefined) bytes.set(queue, answer.message_bytes_ready)
  }
  return bytes
}

/** The streams of the logs that are there. */
function streamsOf(names: Names, { looks = [] }: ManagementFacts): string[] {
  const streams = logsOf(names).flatMap((log) => log.streams())
  return streams.map(({ name }) => name).filter((name) => looks[0]?.queues.get(name)?.type === 'stream')
}

/** A statistic: a stream that is a few seconds old has none. With a name, because RabbitMQ 3.10 answers a list for nothing. */
async function replicasOf(api: ManagementApi, v: string, streams: readonly string[]) {
  const found = new Map<string, { members: string[]; online: string[] }>()
  for (const name of streams) {
    const path = `/api/queues/${v}/${encodeURIComponent(name)}?columns=name,members,online`
    const { members, online } = await ask(api, path, replicas)
    if (members) found.set(name, { members, online })
  }
  return found
}

function sourcesOf(names: Names): string[] {
  const ladder = new LadderNames(names)
  return [
    ...UNITS.flatMap((unit) => [ladder.entry(unit), ladder.next(unit)]),
    names.deliver,
    names.dead,
    names.unroutable,
    names.parked,
    ...logsOf(names).map(({ exchange }) => exchange),
  ]
}

function logsOf(names: Names): LogLayout[] {
  return [cancellationLayout(names), journalLayout(names), recurringLayout(names)]
}
