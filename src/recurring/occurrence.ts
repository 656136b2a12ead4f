import type { DelayedMessage } from '../message/delayed-message.js'
import { HEADER } from '../message/headers.js'
import { isoTime } from '../message/iso-time.js'
import type { RecurringDefinition } from './definition.js'
import { jittered } from './times.js'

/** Of a schedule's id, which has a time behind it in the id of an occurrence. */
export const MAX_ID_BYTES = 200

/** The id of the occurrence of a time, such as `report@2026-11-23T08:00:00.000Z`. */
export function occurrenceId(id: string, time: number): string {
  return `${id}@${isoTime(time)}`
}

/**
 * The message of a time, under the revision of the definition: a copy of it, made anywhere, counts as the same message.
 *
 * @param now when it is scheduled
 * @param extras.dueAt instead of the time with its jitter
 */
export function occurrenceOf(
  definition: RecurringDefinition,
  time: number,
  now: number,
  extras: { backfilled?: boolean; dueAt?: number } = {},
): DelayedMessage {
  const { id, revision, name, version, body, to, headers, priority, expiresInMs } = definition
  const { backfilled = false, dueAt = jittered(definition, time) } = extras
  return {
    id: occurrenceId(id, time),
    revision,
    name,
    version,
    body: Buffer.from(body),
    destination: to,
    headers: { ...headers, [HEADER.scheduledFor]: time, ...(backfilled && { [HEADER.backfilled]: true }) },
    priority,
    dueAt,
    scheduledAt: now,
    expiresAt: expiresInMs === undefined ? undefined : Math.max(dueAt, now) + expiresInMs,
    attempt: 1,
    correlationId: undefined,
    dedupeKey: undefined,
  }
}
