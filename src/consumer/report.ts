import type { Events } from '../events.js'
import { Refusal } from '../message/death.js'
import type { HandlingOutcome } from './handling-outcome.js'
import type { IncomingMessage } from './incoming-message.js'

/** Emits the event for an outcome. It runs for every message, and costs nothing without listeners. */
export function report(events: Events, queue: string, { envelope }: IncomingMessage, outcome: HandlingOutcome): void {
  const event = EVENT[outcome.kind]
  if (event === undefined || !events.has(event)) return
  const attempt = { queue, id: envelope.id, name: envelope.name, attempt: envelope.attempt }
  if (outcome.kind === 'dropped') events.emit('dropped', attempt)
  if (outcome.kind === 'handled') events.emit('handled', attempt)
  if (outcome.kind === 'retry') events.emit('retried', { ...attempt, error: outcome.error, delayMs: outcome.delayMs })
  if (outcome.kind === 'dead') events.emit('dead', { ...attempt, reason: outcome.reason, error: cause(outcome.error) })
}

const EVENT = {
  handled: 'handled',
  retry: 'retried',
  dead: 'dead',
  dropped: 'dropped',
  requeue: undefined,
} as const

/** The error behind a refusal, if there is one. */
function cause(error: unknown): unknown {
  return error instanceof Refusal ? (error.cause ?? error) : error
}
