import type { Names, QueueType, TopologyMode } from '../../amqp/topology/names.js'
import type { RecurringStatus } from '../recurring-status.js'
import type { BindingFact, ExchangeFact, QueueFact } from '../management/resources.js'

/** All that the checks look at. Collected by amqp-facts.ts and management-facts.ts. */
export interface Facts {
  names: Names
  queueType: QueueType
  /** In the mode `trust`, probes are those of a user who declares nothing. */
  topology: TopologyMode
  /** Queues that each rung should have. With one, any queue of a rung will do. */
  shards: number
  /** Work queues that the user is to consume. */
  queues: readonly string[]
  /** Whether the streams of cancellations are looked at. */
  hasStreams: boolean
  /** Whether the user is to write a journal. */
  journal: boolean
  /** Whether the user is to change recurring messages, and to send them if it consumes. */
  recurring: boolean
  vhost: string
  user: string
  server: { product: string; version: string }
  probes: Probe[]
  /** By a passive declare: messages in each queue, or that it is missing. Without the permission to look it is not here. */
  seenQueues: ReadonlyMap<string, number | 'missing'>
  seenExchanges: ReadonlyMap<string, 'there' | 'missing'>
  /** The first record of each stream of a log that this user may read. */
  streamStarts?: ReadonlyMap<string, { offset: number; ageMs: number }>
  /** Definitions and tickers of recurring messages, as far as this user may look. */
  recurringState?: RecurringStatus | null | undefined
  management: ManagementFacts
}

/** Whether this user may do something. `unknown` if the broker answered with something else. */
export interface Probe {
  permission: 'configure' | 'write' | 'read'
  name: string
  allowed: boolean | 'unknown'
}

/** Each part is missing if it could not be asked for. */
export interface ManagementFacts {
  overview?: { erlang: string; exchangeTypes: string[] }
  nodes?: NodeFact[]
  flags?: { name: string; enabled: boolean; stability: string }[]
  policies?: PolicyFact[]
  operatorPolicies?: PolicyFact[]
  exchanges?: ReadonlyMap<string, ExchangeFact>
  /** Bindings by the exchange that they start from: dueque's own, and those behind outlets. */
  bindings?: ReadonlyMap<string, readonly BindingFact[]>
  /** Every queue of the vhost, looked at once or more, first look first. */
  looks?: Look[]
  /** Bytes of ready messages in work queues with a limit of bytes. A queue of which the API does not tell is missing. */
  readyBytes?: ReadonlyMap<string, number>
  /** The nodes of each stream of a log that is there, and those of them whose replica runs. */
  replicas?: ReadonlyMap<string, { members: string[]; online: string[] }>
  consumers?: ConsumerFact[]
  /** The names that clients gave to their connections, by those of the broker. */
  connectionNames?: ReadonlyMap<string, string>
  /** Questions without an answer, and why. */
  missing: { part: string; reason: string }[]
}

export interface Look {
  at: number
  queues: ReadonlyMap<string, QueueFact>
}

export interface NodeFact {
  name: string
  running: boolean
  memoryAlarm: boolean
  diskAlarm: boolean
}

export interface ConsumerFact {
  queue: string
  /** As the broker names it: both ends. */
  connection: string
  /** Of a gate: the queue that it forwards to. */
  forwardsTo?: string
}

export interface PolicyFact {
  name: string
  pattern: string
  /** `all`, `queues`, `exchanges`, and from 3.12 on `classic_queues`, `quorum_queues`, `streams`. */
  applyTo: string
  priority: number
  definition: Readonly<Record<string, unknown>>
}

/** The last look at the queues; undefined if there was none. */
export function lastLook({ looks }: Pick<ManagementFacts, 'looks'>): ReadonlyMap<string, QueueFact> | undefined {
  return looks?.at(-1)?.queues
}
