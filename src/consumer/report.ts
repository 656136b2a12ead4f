import type { Events } from '../events.js'
import { Refusal } from '../message/death.js'
import type { Fate, Item } from './handling.js'

/** Tells listeners what became of an attempt. Without listeners it costs nothing, since it runs for every message. */
export function report(events: Events, queue: string, { envelope }: Item, fate: Fate): void {
  const event = EVENT[fate.kind]
  if (event === undefined || !events.has(event)) return
  const attempt = { queue, id: envelope.id, name: envelope.name, attempt: envelope.attempt }
  if (fate.kind === 'handled') events.emit('handled', attempt)
  if (fate.kind === 'retry') events.emit('retried', { ...attempt, error: fate.error, delayMs: fate.delayMs })
  if (fate.kind === 'dead') events.emit('dead', { ...attempt, reason: fate.reason, error: cause(fate.error) })
}

const EVENT = { handled: 'handled', retry: 'retried', dead: 'dead', 'given back': undefined } as const

/** A refusal only gives a reason to the error behind it, if there is one. */
function cause(error: unknown): unknown {
  return error instanceof Refusal ? (error.cause ?? error) : error
}
