import { setTimeout as pause } from 'node:timers/promises'
import type { ConnectionSettings } from '../../amqp/connection/connect-to.js'
import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { COMES_BACK_MS } from '../../amqp/connection/failures.js'
import { Declarer } from '../../amqp/topology/declarer.js'
import type { Layout } from '../../amqp/topology/layout.js'
import type { ExchangePart, Part, QueuePart } from '../../amqp/topology/part.js'
import { SAFE_AFTER_MS } from '../../amqp/topology/young-queues.js'
import type { LadderLayout } from '../../strategies/ladder/ladder-layout.js'
import type { LogKind } from '../../log/log-layout.js'
import { isMarked } from '../../strategies/ladder/rung-marks.js'
import type { Rung, RungVariant } from '../../strategies/ladder/rungs.js'
import type { OnProgress } from '../operator-settings.js'
import type { LiveRecords } from './live-records.js'
import { withConnection } from '../../amqp/connection/operator-connection.js'

/** What became of a queue or an exchange. Bindings are not reported: AMQP does not show whether one was there. */
export interface Change {
  kind: 'queue' | 'exchange'
  name: string
  change: 'created' | 'unchanged' | 'deleted' | 'missing'
}

/** Destinations that belong to the topology beside the ladder itself. */
export interface Destinations {
  queues: readonly string[]
  /** Those of the queues whose consumers take batches. */
  batches?: readonly string[]
  exchanges: readonly string[]
  /** Queues that have an outlet. */
  outlets?: readonly string[]
}

/** Opens a connection for the work of an operator, and closes it. @throws DuequeError as `connect` does */
export function withDeclarer<T>(
  settings: ConnectionSettings,
  work: (declarer: Declarer, connection: AmqpConnection) => Promise<T>,
): Promise<T> {
  return withConnection(settings, (connection) => work(new Declarer(connection, settings, COMES_BACK_MS), connection))
}

/** The parts for destinations: work queues with their dead queues, those for batches, outlets of exchanges and queues. */
export function destinationParts(
  layout: Layout,
  { queues, batches = [], exchanges, outlets = [] }: Destinations,
): Part[] {
  return [
    ...queues.flatMap((queue) => layout.workQueue(queue)),
    ...batches.flatMap((queue) => layout.batches(queue)),
    ...exchanges.flatMap((exchange) => layout.outlet(exchange)),
    ...outlets.flatMap((queue) => layout.queueOutlet(queue)),
  ]
}

/**
 * Declares what is missing and binds everything again. A work queue that exists with other arguments is left as it is.
 *
 * @throws DuequeError `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `DESTINATION_MISSING` for the exchange behind an outlet,
 * `UNSUPPORTED` for the exchange of the delayed-message plugin on a broker without it
 */
export async function applyParts(
  declarer: Declarer,
  parts: readonly Part[],
  { workQueues, onProgress }: { workQueues: readonly string[]; onProgress?: OnProgress | undefined },
): Promise<Change[]> {
  const changes: Change[] = []
  for (const [i, part] of parts.entries()) {
    const known = part.kind !== 'binding' && (await declarer.exists(part.kind, part.name))
    const isTheirs = part.kind === 'queue' && workQueues.includes(part.name)
    if (!known || !isTheirs) await declarer.declare(part)
    if (part.kind !== 'binding') changes.push(changeOf(part, known ? 'unchanged' : 'created'))
    onProgress?.(i + 1, parts.length)
  }
  return changes
}

/** The changes of {@link applyParts}, without any. Queues with other arguments are not noticed: AMQP shows names alone. */
export async function plannedChanges(
  declarer: Declarer,
  parts: readonly Part[],
  onProgress?: OnProgress,
): Promise<Change[]> {
  const missing = new Set((await missingParts(declarer, parts, onProgress)).map(({ kind, name }) => `${kind} ${name}`))
  return parts.flatMap((part) => {
    if (part.kind === 'binding') return []
    return [changeOf(part, missing.has(`${part.kind} ${part.name}`) ? 'created' : 'unchanged')]
  })
}

/**
 * Marks rungs as old enough to be relied on, once all of them are, so that no process delays its first confirms. A rung
 * without a mark may have been declared a moment ago, by any process.
 */
export async function markRungs(
  declarer: Declarer,
  ladder: LadderLayout,
  rungs: readonly { rung: Rung; variant: RungVariant }[],
): Promise<void> {
  const unmarked: Part[] = []
  for (const { rung, variant } of rungs)
    if (!(await isMarked(declarer, ladder, rung, variant))) unmarked.push(...ladder.mark(rung, variant))
  if (unmarked.length === 0) return
  await pause(SAFE_AFTER_MS)
  for (const part of unmarked) await declarer.declare(part)
}

/** The queues and exchanges that do not exist. AMQP shows names alone. @throws DuequeError `PERMISSION_DENIED` */
export async function missingParts(
  declarer: Declarer,
  parts: readonly Part[],
  onProgress?: OnProgress,
): Promise<(Change & { change: 'missing' })[]> {
  const missing: (Change & { change: 'missing' })[] = []
  for (const [i, part] of parts.entries()) {
    if (part.kind !== 'binding' && !(await declarer.exists(part.kind, part.name))) {
      missing.push(changeOf(part, 'missing'))
    }
    onProgress?.(i + 1, parts.length)
  }
  return missing
}

/** A queue that still holds messages, or a stream with records of messages that are not due yet. */
export interface Held {
  name: string
  /** How many; `null` if that is not known. */
  messages: number | null
  what: 'messages' | LogKind
}

/** The parts that were deleted; `stopped` is the queue before which it ended, because there was something in it. */
export interface Deletion {
  changes: Change[]
  stopped?: Held
}

export interface DeleteOptions {
  /** Deletes queues with their messages. */
  force: boolean
  /** Looks what would be deleted, and deletes nothing. */
  dryRun?: boolean | undefined
  /** Counts the live records of streams. */
  live?: LiveRecords | undefined
  /** The queue of ticks, whose messages hold nothing that is lost with them. */
  ticks?: string | undefined
  onProgress?: OnProgress | undefined
}

/**
 * Deletes queues and exchanges; the last one declared goes first. Counts the ready messages of each queue right before its
 * deletion, and ends there if there are any. Messages that come in between are lost (`if-empty` would tell, but closes the
 * connection for a quorum queue), and so are messages that are not ready.
 */
export async function deleteParts(
  declarer: Declarer,
  parts: readonly Part[],
  { force, dryRun = false, live, ticks, onProgress }: DeleteOptions,
): Promise<Deletion> {
  const changes: Change[] = []
  for (const [i, part] of parts.toReversed().entries()) {
    if (part.kind === 'binding') continue
    const held = await heldIn(declarer, part, live)
    if (held) {
      if (held.messages !== 0 && part.name !== ticks && !force) return { changes, stopped: held }
      if (!dryRun) await declarer.delete(part)
      changes.push(changeOf(part, 'deleted'))
    }
    onProgress?.(i + 1, parts.length)
  }
  return { changes }
}

/** Undefined if it does not exist. */
async function heldIn(
  declarer: Declarer,
  { kind, name }: QueuePart | ExchangePart,
  live: LiveRecords | undefined,
): Promise<Held | undefined> {
  if (kind === 'exchange')
    return (await declarer.exists('exchange', name)) ? { name, messages: 0, what: 'messages' } : undefined
  const messages = await declarer.count(name)
  if (messages === undefined) return undefined
  return (await live?.last(name)) ?? { name, messages, what: 'messages' }
}

function changeOf<C extends Change['change']>({ kind, name }: QueuePart | ExchangePart, change: C) {
  return { kind, name, change }
}
