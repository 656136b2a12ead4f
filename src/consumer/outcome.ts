import { MAX_DEATH_STACK_BYTES, MAX_DEATH_TEXT, type Death, type DeadReason } from '../broker.js'
import type { Envelope } from '../message/envelope.js'
import { errorText, isDuequeError, stackOf } from '../base/errors.js'
import type { Handler } from './delivery.js'

/** The handler that a message goes to, or why there is none. */
export function choose(handlers: readonly Handler[], { name, version }: Envelope): Handler | Refusal {
  const named = handlers.find(({ definition }) => definition && definition.name === name)
  const handler = named ?? handlers.find(({ definition }) => !definition)
  if (!handler) return new Refusal('unknown-message', `no handler for messages named ${name ?? '(none)'}`)
  const { definition } = handler
  if (!definition || version === definition.version) return handler
  if (version < definition.version && definition.upgrade) return handler
  return new Refusal(
    'unknown-version',
    `version ${version} of ${definition.name}: the handler knows ${definition.version}`,
  )
}

/** A message that is given up without having been handled. */
export class Refusal extends Error {
  readonly reason: DeadReason

  constructor(reason: DeadReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** What to write on a message that is given up. */
export function deathOf(reason: DeadReason, error: unknown, at: number): Death {
  const stack = error instanceof Refusal ? undefined : stackOf(error, MAX_DEATH_STACK_BYTES)
  return { reason, error: errorText(error).slice(0, MAX_DEATH_TEXT), at, ...(stack !== undefined && { stack }) }
}

/** Names the reason of a payload that does not parse. Other errors pass through. */
export function asRefusal(error: unknown): unknown {
  return isDuequeError(error, 'INVALID_PAYLOAD') ? new Refusal('invalid-payload', error.message, error) : error
}

/** What the log says of an error that a handler threw. */
export function thrownBy(queue: string, { id, attempt }: Envelope, error: unknown): Record<string, unknown> {
  return { queue, id, attempt, error: errorText(error), stack: stackOf(error, MAX_DEATH_STACK_BYTES) }
}
