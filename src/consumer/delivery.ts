import type { Headers } from '../message/headers.js'
import { invalidOption } from '../base/errors.js'
import { checkDefinition, type MessageDefinition } from '../message/definition.js'
import type { Duration } from '../message/duration.js'

/** A message that arrived, for its handler. */
export interface Delivery<Payload = unknown> {
  readonly name: string
  /** The producer's id. Empty only for a foreign message without one. */
  readonly id: string
  /** Parsed and checked by the message's schema. */
  readonly payload: Payload
  /** When it should arrive. For a foreign message without a due time: when it arrived. */
  readonly dueAt: Date
  /** When it became ready for its handler: never before `dueAt`. */
  readonly arrivedAt: Date
  /** `arrivedAt − dueAt`, in milliseconds. Includes the waits of retries, and not the wait for a free handler. */
  readonly latenessMs: number
  /** Counts deliveries to a handler, from 1. */
  readonly attempt: number
  readonly routingKey: string
  readonly exchange: string
  readonly correlationId: string | undefined
  /** AMQP priority. Undefined if the producer gave none. */
  readonly priority: number | undefined
  /** When it was scheduled, to the second; a retry keeps it. Undefined for a foreign message without an AMQP timestamp. */
  readonly scheduledAt: Date | undefined
  /**
   * The time of its schedule, without jitter, if it is an occurrence of a recurring message; a retry keeps it. Undefined for any
   * other message.
   */
  readonly scheduledFor: Date | undefined
  /** Whether it is an occurrence that `recurring.backfill` has scheduled. */
  readonly backfilled: boolean
  /** From then on it is of no use (option `expiresIn`), and would go to the dead queue. */
  readonly expiresAt: Date | undefined
  /** The producer's headers. */
  readonly headers: Headers
  /**
   * Aborted when the consumer closes and its time to drain is over, or the handler's own (`handlerTimeoutMs`). A handler
   * that then throws gives its message back in the first case, and has failed in the second (`signal.reason.name` is
   * `TimeoutError`).
   */
  readonly signal: AbortSignal
  /**
   * Retries the message when the handler returns or throws, however many attempts it had. It waits for `in`, or else for the
   * policy's back-off.
   *
   * @throws DuequeError `ALREADY_DECIDED`, `INVALID_DUE`, `DELAY_OUT_OF_RANGE`, `INVALID_OPTION`
   */
  retry(this: void, options?: { in?: Duration }): void
  /**
   * Gives the message up: it goes to the dead queue with the reason `dead-lettered` and this text.
   *
   * @throws DuequeError `ALREADY_DECIDED`, `INVALID_OPTION`
   */
  deadLetter(this: void, reason: string): void
}

/** A handler and the messages that it handles. Made by {@link on} and {@link onAny}. */
export interface Handler {
  readonly definition: MessageDefinition | undefined
  readonly handle: (delivery: Delivery<never>) => unknown
}

/**
 * Binds a handler to a message definition. Its return acks the message; its throw fails the attempt.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * await mq.consume('reminders', [on(reminder, async ({ payload }) => remind(payload.patient))])
 */
export function on<In, Out>(
  definition: MessageDefinition<In, Out>,
  handle: (delivery: Delivery<Out>) => unknown,
): Handler {
  checkDefinition(definition)
  if (typeof handle !== 'function') throw invalidOption('handle', 'a function', handle)
  return { definition: definition, handle }
}

/**
 * Binds a handler to all messages that no other handler is bound to. Its payload is the parsed JSON.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function onAny(handle: (delivery: Delivery) => unknown): Handler {
  if (typeof handle !== 'function') throw invalidOption('handle', 'a function', handle)
  return { definition: undefined, handle }
}

/** Names of the messages with a handler of their own. */
export function namesOf(handlers: readonly Handler[]): string[] {
  return handlers.flatMap(({ definition }) => (definition ? [definition.name] : []))
}

/** Names of messages that only one of the two handles; `(any other)` stands for {@link onAny}. */
export function differingNames(some: readonly Handler[], others: readonly Handler[]): string[] {
  const handles = (handlers: readonly Handler[], name: string | undefined) =>
    handlers.some(({ definition }) => !definition || definition.name === name)
  const names = new Set([...some, ...others].map(({ definition }) => definition?.name))
  return [...names].filter((name) => handles(some, name) !== handles(others, name)).map((name) => name ?? '(any other)')
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkHandlers(handlers: readonly Handler[]): readonly Handler[] {
  const isList: boolean = Array.isArray(handlers)
  if (!isList || handlers.length === 0) throw invalidOption('handlers', 'at least one on(message, handler)', handlers)
  for (const [i, handler] of Array.from<unknown>(handlers).entries()) checkHandler(`handlers[${i}]`, handler)
  const names = handlers.map(({ definition }) => definition?.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (new Set(names).size < names.length) throw invalidOption('handlers', 'one handler for each message', twice)
  return handlers
}

/** Looks at the shape, since it may be of another copy of dueque. */
function checkHandler(option: string, handler: unknown): void {
  const { definition, handle } = Object(handler) as Partial<Handler>
  if (typeof handle !== 'function' || typeof handler === 'function')
    throw invalidOption(option, 'on(message, handler) or onAny(handler)', handler)
  if (definition !== undefined) checkDefinition(definition, `${option}.definition`)
}
