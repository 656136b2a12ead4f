import type { ConnectionEvents } from './connection.js'

const ignore = () => undefined

/** Events of a connection for work that reports its failures itself: those that are not given are ignored. */
export function quietEvents(events: Partial<ConnectionEvents> = {}): ConnectionEvents {
  return { disconnected: ignore, reconnected: ignore, blocked: ignore, unblocked: ignore, error: ignore, ...events }
}
