import type { JournalStatus } from './journal-status.js'
import type { RecurringStatus } from './recurring-status.js'
import { roleReader, type QueueRole } from './queue-roles.js'
import { Names } from '../amqp/topology/names.js'
import { namespacesOf } from '../amqp/topology/reserved-names.js'
import { sumOf, type MessageCount } from './management/resources.js'
import type { TargetStatus, WaitingSum } from './status/target-status.js'

/** The messages of a namespace by purpose. */
export interface CountReport {
  namespace: string
  /** `amqp` sees neither messages with a dead-letter worker nor unacked ones: `messages` is `ready` then. */
  source: 'management' | 'amqp'
  /** Rungs with messages, shortest first. */
  waiting: MessageCount & { rungs: RungCount[] }
  /** Those with messages. */
  outlets: (QueueCount & ({ exchange: string } | { target: string }))[]
  /** A connected process sends these on, or parks them. Null before anything was declared in the namespace. */
  unroutable: QueueCount | null
  parked: QueueCount | null
  /** Those of the namespace; if queues were named, those alone. Over AMQP no others. */
  dead: QueueCount[]
  /** Null without a journal of waiting messages. */
  journal: JournalStatus | null
  /** Null without recurring messages. */
  recurring: RecurringStatus | null
}

/** What `statusReport` tells, and `dueque status --json` prints. */
export interface StatusReport extends CountReport {
  /** By name; if queues were named, those alone. */
  targets: TargetStatus[]
  /** Where the waiting messages of the targets were read; null if nowhere. */
  waitingIn: WaitingSum | null
}

export type QueueCount = { queue: string } & MessageCount
type RungCount = { rung: string; queues: string[]; backedUp: boolean } & MessageCount
type OfKind<K extends QueueRole['kind']> = QueueCount & { role: Extract<QueueRole, { kind: K }> }

interface Counted {
  counts: ReadonlyMap<string, MessageCount>
  journal: StatusReport['journal']
  recurring: StatusReport['recurring']
  /** The dead queues of the namespace. @default those that were counted */
  dead?: ReadonlySet<string> | undefined
}

/** @param queues the work queues whose dead queues are in the report; all if empty */
export function reportOf(
  namespace: string,
  source: StatusReport['source'],
  { counts, journal, recurring, dead: deadQueues }: Counted,
  queues: readonly string[],
): CountReport {
  const roleOf = roleReader(new Names(namespace))
  const isOfAnother = othersWithin(namespace, counts)
  const all = [...counts].flatMap(([queue, count]) => {
    const role = isOfAnother(queue) ? undefined : roleOf(queue)
    return role ? [{ queue, ...count, role }] : []
  })
  const ofKind = <K extends QueueRole['kind']>(kind: K) => all.filter(({ role }) => role.kind === kind) as OfKind<K>[]
  const rungs = rungCounts(ofKind('rung').filter(({ messages }) => messages > 0))
  const outlets = ofKind('outlet').filter(({ messages }) => messages > 0)
  const isMeant = ({ queue, role: { of } }: OfKind<'dead'>) =>
    queues.length === 0 ? (deadQueues?.has(queue) ?? true) : queues.includes(of)
  const dead = ofKind('dead').filter(isMeant)
  return {
    namespace,
    source,
    waiting: { ...sumOf(rungs), rungs },
    outlets: outlets.map((one) => ({ ...behind(one.role), ...countOf(one) })).sort(byName),
    unroutable: ofKind('unroutable').map(countOf)[0] ?? null,
    parked: ofKind('parked').map(countOf)[0] ?? null,
    dead: dead.map(countOf).sort(byName),
    journal,
    recurring,
  }
}

/** A name can be read in two ways: `a.v1.to.b.v1.parked` is an outlet of `a`, unless there is a namespace `a.v1.to.b`. */
export function othersWithin(namespace: string, counts: Counted['counts']): (queue: string) => boolean {
  const isThere = (other: string) => counts.has(new Names(other).unroutable)
  return (queue) => namespacesOf(queue).some((other) => other.length > namespace.length && isThere(other))
}

function behind({ exchange, queue }: OfKind<'outlet'>['role']): { exchange: string } | { target: string } {
  return queue === undefined ? { exchange } : { target: queue }
}

/** One for each rung, of all its queues. */
function rungCounts(queues: OfKind<'rung'>[]): RungCount[] {
  const byTtl = [...queues].sort((a, b) => a.role.rung.ttlMs - b.role.rung.ttlMs || byName(a, b))
  const names = new Set(byTtl.map(({ role }) => role.rung.name))
  return [...names].map((rung) => {
    const own = byTtl.filter(({ role }) => role.rung.name === rung)
    return { rung, ...sumOf(own), queues: own.map(({ queue }) => queue), backedUp: own.some(isBackedUp) }
  })
}

/** Messages that a queue hands over at a time with the recommended `dead_letter_worker_consumer_prefetch`. */
const AT_A_TIME = 512

/**
 * Messages of a rung that are not ready are overdue. If there are more of them than the rung hands over at a time, it drains
 * slower than it fills, or its target does not take the messages. AMQP does not show it.
 */
function isBackedUp({ messages, ready }: MessageCount): boolean {
  return messages - ready > AT_A_TIME
}

function countOf({ queue, messages, ready }: QueueCount): QueueCount {
  return { queue, messages, ready }
}

function byName(a: { queue: string }, b: { queue: string }): number {
  return a.queue < b.queue ? -1 : 1
}
