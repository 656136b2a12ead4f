import { isInteger } from '../base/checks.js'
import { LATEST_MS } from '../base/clock.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { Arrived } from '../message/envelope.js'
import { isoTime } from '../message/iso-time.js'
import type { Strategy, WaitOptions } from '../strategies/strategy.js'
import { TICK_NAME } from '../strategies/tick-mark.js'
import type { RecurringDefinition } from './definition.js'
import { tickDue } from './times.js'

/** Says that the occurrence of a time is to be scheduled, and the next tick. */
export interface Tick {
  /** Of the schedule. */
  readonly id: string
  /** Of the definition. */
  readonly revision: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** It was sent once more, for the case that it is missing. */
  readonly again?: boolean | undefined
}

/** Where ticks are sent. */
export interface TickRoute {
  readonly strategy: Pick<Strategy, 'schedule' | 'limits'>
  /** The name of the queue of ticks. */
  readonly queue: string
  /** The wall clock. */
  readonly now: () => number
}

/** The tick of one time. Its id and revision are the same whoever sends it, so that copies can be told. */
export function tickOf(
  definition: RecurringDefinition,
  time: number,
  route: TickRoute,
  again?: boolean,
): DelayedMessage {
  const { id, revision } = definition
  const { strategy, queue, now } = route
  const scheduledAt = now()
  // A tick that comes too early is sent again.
  const latest = scheduledAt + strategy.limits.maxDelayMs
  return {
    id: `${id}@${isoTime(time)}#tick`,
    revision,
    destination: { queue },
    dueAt: Math.min(tickDue(definition, time), latest),
    scheduledAt,
    ...ownMessage(TICK_NAME, { id, revision, time, again } satisfies Tick),
  }
}

/** The parts of a message to the queue of ticks that are the same for all kinds of them. */
export function ownMessage(name: string, body: object) {
  return {
    name,
    version: 1,
    body: Buffer.from(JSON.stringify(body)),
    expiresAt: undefined,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
  }
}

/**
 * Schedules the tick of one time. Needs the queue of ticks.
 *
 * @throws DuequeError whose `outcome` says whether it may wait all the same
 */
export async function sendTick(
  route: TickRoute,
  definition: RecurringDefinition,
  time: number,
  { again, ...options }: Omit<WaitOptions, 'declare' | 'bind'> & Pick<Tick, 'again'> = {},
): Promise<void> {
  await route.strategy.schedule(tickOf(definition, time, route, again), { ...options, declare: false, bind: false })
}

/** Undefined for what is no tick that this version can read. One that has a format is of a later version. */
export function readTick({ body }: Pick<Arrived, 'body'>): Tick | undefined {
  const { format, id, revision, time, again } = readBody(body)
  if (format !== undefined || typeof id !== 'string') return undefined
  if (!isInteger(revision, 0) || !isInteger(time, -LATEST_MS, LATEST_MS)) return undefined
  return { id, revision, time, ...(again === true && { again }) }
}

/** The fields of a message in the queue of ticks; none if it has another form. */
export function readBody(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(Buffer.from(body).toString())) as Record<string, unknown>
  } catch {
    return {}
  }
}
