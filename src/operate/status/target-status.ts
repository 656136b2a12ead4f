import { deadQueue } from '../../amqp/topology/names.js'
import { destinationText, type Destination } from '../../message/destination.js'
import { isoTime } from '../../message/iso-time.js'
import type { DestinationCount } from '../../strategies/destination-counts.js'
import type { MessageCount } from '../management/resources.js'

/** The messages of one target. Null is not known, or does not apply. Times are ISO 8601 in UTC. */
export interface TargetStatus {
  /** `queue:reminders` or `exchange:clinic`. */
  target: string
  /** Waiting messages to a missing target are parked when they are due. */
  exists: boolean | null
  /** In the queue itself: due messages. */
  messages: number | null
  /** Of these, the messages that no consumer has. */
  ready: number | null
  waiting: number | null
  /** When the next and the last waiting message are due, or their retries. */
  nextAt: string | null
  lastAt: string | null
  /** In the dead queue. */
  dead: number | null
  /** When the message died that has been in the dead queue for longest. */
  oldestDeadAt: string | null
}

/** All waiting messages of a journal or a store. */
export interface WaitingSum {
  /** `journal`, or the name of the store. */
  source: string
  messages: number
  nextAt: string | null
  lastAt: string | null
}

export interface TargetFacts {
  /** Queues and exchanges to show. Those of waiting messages are added, unless `only` says otherwise. */
  queues: Iterable<string>
  exchanges: Iterable<string>
  /** Queues to show, and nothing else; all if empty. */
  only: readonly string[]
  /** Of each queue that exists, as far as it was looked for. */
  counts: ReadonlyMap<string, MessageCount>
  /** Queues that this user may not look at. */
  denied: ReadonlySet<string>
  /** Every exchange that exists; undefined if that is not known. */
  existing: ReadonlySet<string> | undefined
  waiting: readonly DestinationCount[] | undefined
  /** The dead queues of the namespace, with their messages. */
  dead: ReadonlyMap<string, number>
  /** By dead queue. */
  oldestDead: ReadonlyMap<string, Date>
}

/** The targets of a namespace, by name. */
export function targetsOf(facts: TargetFacts): TargetStatus[] {
  const { queues, exchanges, only, waiting = [] } = facts
  const destinations = waiting.map(({ destination }) => withoutOutlet(destination))
  const named = only.length > 0 ? only : [...queues, ...destinations.flatMap(({ queue }) => queue ?? [])]
  const shown = only.length > 0 ? [] : [...exchanges, ...destinations.flatMap(({ exchange }) => exchange ?? [])]
  return [
    ...[...new Set(shown)].sort().map((exchange) => exchangeStatus(exchange, facts)),
    ...[...new Set(named)].sort().map((queue) => queueStatus(queue, facts)),
  ]
}

/** @param source `journal`, or the name of the store */
export function waitingSum(source: string, counts: readonly DestinationCount[]): WaitingSum {
  return { source, ...sumOfWaiting(counts) }
}

function queueStatus(queue: string, { counts, denied, waiting, dead, oldestDead }: TargetFacts): TargetStatus {
  const count = counts.get(queue)
  const oldest = oldestDead.get(deadQueue(queue))
  return {
    target: destinationText({ queue }),
    exists: denied.has(queue) ? null : count !== undefined,
    messages: count?.messages ?? null,
    ready: count?.ready ?? null,
    ...waitingFor({ queue }, waiting),
    dead: dead.get(deadQueue(queue)) ?? null,
    oldestDeadAt: oldest?.toISOString() ?? null,
  }
}

function exchangeStatus(exchange: string, { existing, waiting }: TargetFacts): TargetStatus {
  return {
    target: destinationText({ exchange }),
    exists: existing?.has(exchange) ?? null,
    ...{ messages: null, ready: null },
    ...waitingFor({ exchange }, waiting),
    ...{ dead: null, oldestDeadAt: null },
  }
}

function waitingFor(
  target: Destination,
  waiting: TargetFacts['waiting'],
): Pick<TargetStatus, 'waiting' | 'nextAt' | 'lastAt'> {
  if (!waiting) return { waiting: null, nextAt: null, lastAt: null }
  const text = destinationText(target)
  const own = waiting.filter(({ destination }) => destinationText(withoutOutlet(destination)) === text)
  const { messages, ...times } = sumOfWaiting(own)
  return { waiting: messages, ...times }
}

function sumOfWaiting(counts: readonly DestinationCount[]): Omit<WaitingSum, 'source'> {
  const messages = counts.reduce((sum, one) => sum + one.messages, 0)
  if (messages === 0) return { messages, nextAt: null, lastAt: null }
  const [first, last] = [Math.min(...counts.map(({ from }) => from)), Math.max(...counts.map(({ to }) => to))]
  return { messages, nextAt: isoTime(first), lastAt: isoTime(last) }
}

/** An outlet is a way to its queue. */
function withoutOutlet({ queue, exchange }: Destination): Destination {
  return queue === undefined ? { exchange } : { queue }
}
