import type { WaitingKey, WaitingRow } from '../../api.js'

/** The same for the same waiting message. One id may wait at several destinations. */
export function rowKey({ id, revision, attempt, destination }: WaitingRow): string {
  return JSON.stringify([id, revision, attempt, destination])
}

export function waitingKey({ id, revision, readyAt }: WaitingRow): WaitingKey {
  return { id, revision, readyAt }
}
