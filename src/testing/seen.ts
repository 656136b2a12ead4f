import { decodeBatch, queueOfBatches } from '../message/batch.js'
import { isReserved, type Destination } from '../message/destination.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import { decodeEnvelope, type Arrived } from '../message/envelope.js'
import type { RecurringSchedule } from '../recurring/recurring.js'
import { readDefinition, scheduleView } from '../recurring/schedule-view.js'
import type { InMemory } from '../strategies/memory/memory.js'
import { HEADER, readInteger, readText, type Headers } from '../message/headers.js'

/** A message as a test sees it. */
export interface SeenMessage {
  readonly name: string
  readonly id: string
  /** The parsed JSON of the body. Undefined if the body is no JSON. */
  readonly payload: unknown
  readonly dueAt: Date
  /** Counts deliveries to a handler, from 1. Of a pending or queued message: the next one. */
  readonly attempt: number
  /** The producer's. */
  readonly headers: Headers
}

/** A message of `schedule` or `scheduleAll`. */
export interface ScheduledMessage extends SeenMessage {
  readonly to: Destination
  readonly scheduledAt: Date
}

/** A due message without a destination. */
export interface ParkedMessage extends SeenMessage {
  readonly to: Destination
}

/** A message to be delivered later. */
export interface PendingMessage extends SeenMessage {
  readonly to: Destination
  /** When it will be delivered: `dueAt`, or the instant of its next attempt. */
  readonly readyAt: Date
}

/** A message in a queue that no consumer has taken. */
export interface QueuedMessage extends SeenMessage {
  readonly queue: string
}

/** A call of a handler. */
export interface DeliveredMessage extends SeenMessage {
  readonly queue: string
  /** As the handler got it. */
  readonly payload: unknown
  /** When the handler was called. */
  readonly at: Date
  /** The error that the handler threw. Undefined if it has not thrown. */
  readonly error: unknown
}

/** A message that was given up. */
export interface DeadMessage extends SeenMessage {
  /** The work queue. The message is in `<queue>.dead`. */
  readonly queue: string
  /** Such as `handler-error` or `expired`. */
  readonly reason: string
  /** The text of the error, or of `deadLetter`. */
  readonly error: string
  readonly deadAt: Date
}

export function seenScheduled(message: DelayedMessage): ScheduledMessage {
  return { ...seenDelivery(message), scheduledAt: new Date(message.scheduledAt) }
}

/** Of a batch, the messages inside. */
export function seenParked(message: DelayedMessage): ParkedMessage[] {
  return (itemsOf(message.destination.queue, message) ?? [message]).map(seenDelivery)
}

export function seenPending(message: DelayedMessage): PendingMessage {
  return { ...seenDelivery(message), readyAt: new Date(readyAt(message)) }
}

/** Of a batch, the messages inside. */
export function seenQueued(queue: string, arrived: Arrived): QueuedMessage[] {
  const items = itemsOf(queue, arrived)
  if (!items) return [{ queue, ...seenArrived(arrived) }]
  return items.map((item) => ({ queue: item.destination.queue!, ...seenDelayed(item) }))
}

export function seenDead(queue: string, arrived: Arrived): DeadMessage {
  const { headers } = arrived
  return {
    queue,
    ...seenArrived(arrived),
    reason: readText(headers[HEADER.reason]) ?? '',
    error: readText(headers[HEADER.error]) ?? '',
    deadAt: new Date(readInteger(headers[HEADER.deadAt]) ?? NaN),
  }
}

/** The recurring messages of a strategy, by id. */
export function seenRecurring({ name, definitions }: InMemory, now: number): RecurringSchedule[] {
  const schedules = definitions.present().map((record) => scheduleView(readDefinition(record, name), now))
  return schedules.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function seenDelivery(message: DelayedMessage): ParkedMessage {
  return { ...seenDelayed(message), to: message.destination }
}

/** The messages of a batch that is in this queue, or was on its way to it. Undefined for what is none. */
function itemsOf(queue: string | undefined, { body, headers }: Pick<Arrived, 'body' | 'headers'>) {
  const count = headers[HEADER.items]
  const of = queue === undefined ? undefined : queueOfBatches(queue)
  return of === undefined || count === undefined ? undefined : decodeBatch(body, count, of)
}

function seenDelayed({ name, id, body, dueAt, attempt, headers }: DelayedMessage): SeenMessage {
  const own = Object.fromEntries(Object.entries(headers).filter(([header]) => !isReserved(header)))
  return { name, id, payload: parsed(body), dueAt: new Date(dueAt), attempt, headers: own }
}

function seenArrived(arrived: Arrived): SeenMessage {
  const { name = '', id = '', dueAt = NaN, attempt, headers } = decodeEnvelope(arrived)
  return { name, id, payload: parsed(arrived.body), dueAt: new Date(dueAt), attempt, headers }
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
}
