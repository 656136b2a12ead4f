import type { Destination } from './destination.js'
import type { DelayedMessage } from './envelope.js'

/** Proof that a message waits, and what is needed to speak of it later. Plain JSON: keep it where you like. */
export interface Receipt {
  id: string
  /** ISO 8601 in UTC. */
  dueAt: string
  /** Of two schedules under one id the later has the greater revision. */
  revision: number
  destination: Destination
}

export function receiptOf({ id, dueAt, revision, destination }: DelayedMessage): Receipt {
  return { id, dueAt: new Date(dueAt).toISOString(), revision, destination }
}
