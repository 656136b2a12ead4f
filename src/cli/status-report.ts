import { roleReader, type QueueRole } from '../operate/queue-roles.js'
import { Names } from '../amqp/topology/names.js'
import type { Count } from './management.js'

/** What `dueque status --json` prints. */
export interface StatusReport {
  namespace: string
  /** Who counted: `amqp` sees neither what is being handed over nor what is unacked, so that `messages` is `ready`. */
  source: 'management' | 'amqp'
  /** Rungs with messages, shortest first. */
  waiting: Count & { rungs: RungCount[] }
  /** Those with messages. */
  outlets: (QueueCount & ({ exchange: string } | { target: string }))[]
  /** Sent on, or parked, by the next process that looks. Null before anything was declared in the namespace. */
  unroutable: QueueCount | null
  parked: QueueCount | null
  /** Of the whole vhost, since their names do not tell a namespace; with --queue only those asked for. */
  dead: QueueCount[]
}

type QueueCount = { queue: string } & Count
type RungCount = { rung: string; queues: string[]; backedUp: boolean } & Count
type Counted<K extends QueueRole['kind']> = QueueCount & { role: Extract<QueueRole, { kind: K }> }

/** @param queues whose dead queues to tell of; all if empty */
export function reportOf(
  namespace: string,
  source: StatusReport['source'],
  counts: ReadonlyMap<string, Count>,
  queues: readonly string[],
): StatusReport {
  const roleOf = roleReader(new Names(namespace))
  const all = [...counts].flatMap(([queue, count]) => {
    const role = roleOf(queue)
    return role ? [{ queue, ...count, role }] : []
  })
  const ofKind = <K extends QueueRole['kind']>(kind: K) => all.filter(({ role }) => role.kind === kind) as Counted<K>[]
  const rungs = rungCounts(ofKind('rung').filter(({ messages }) => messages > 0))
  const outlets = ofKind('outlet').filter(({ messages }) => messages > 0)
  const dead = ofKind('dead').filter(({ role }) => queues.length === 0 || queues.includes(role.of))
  return {
    namespace,
    source,
    waiting: { ...sumOf(rungs), rungs },
    outlets: outlets.map((one) => ({ ...behind(one.role), ...countOf(one) })).sort(byName),
    unroutable: ofKind('unroutable').map(countOf)[0] ?? null,
    parked: ofKind('parked').map(countOf)[0] ?? null,
    dead: dead.map(countOf).sort(byName),
  }
}

function behind({ exchange, queue }: Counted<'outlet'>['role']): { exchange: string } | { target: string } {
  return queue === undefined ? { exchange } : { target: queue }
}

/** One for each rung, whatever the type and number of its queues. */
function rungCounts(queues: Counted<'rung'>[]): RungCount[] {
  const byTtl = [...queues].sort((a, b) => a.role.rung.ttlMs - b.role.rung.ttlMs || byName(a, b))
  const names = new Set(byTtl.map(({ role }) => role.rung.name))
  return [...names].map((rung) => {
    const own = byTtl.filter(({ role }) => role.rung.name === rung)
    return { rung, ...sumOf(own), queues: own.map(({ queue }) => queue), backedUp: own.some(isBackedUp) }
  })
}

/** What a queue hands over at a time with the recommended `dead_letter_worker_consumer_prefetch`. */
const AT_A_TIME = 512

/**
 * What is not ready in a rung is overdue. More than it hands over at a time: it drains slower than it fills, or its target
 * does not take the messages. Over AMQP nobody can see that.
 */
function isBackedUp({ messages, ready }: Count): boolean {
  return messages - ready > AT_A_TIME
}

function sumOf(counts: readonly Count[]): Count {
  const sum = (field: keyof Count) => counts.reduce((total, count) => total + count[field], 0)
  return { messages: sum('messages'), ready: sum('ready') }
}

function countOf({ queue, messages, ready }: QueueCount): QueueCount {
  return { queue, messages, ready }
}

function byName(a: { queue: string }, b: { queue: string }): number {
  return a.queue < b.queue ? -1 : 1
}
