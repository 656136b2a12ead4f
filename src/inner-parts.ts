import { invalidOption } from './base/errors.js'
import type { Broker } from './broker.js'
import type { ResolvedOptions } from './options.js'

/** What a connection is made of, for the programs of this package that show it. */
export interface InnerParts {
  readonly options: ResolvedOptions
  readonly broker: Broker
  /** Aborted when `close` is called. */
  readonly closing: AbortSignal
}

const PARTS = Symbol('dueque.parts')

/** Leaves the parts with the connection, where nobody meets them by chance. */
export function attachParts(mq: object, parts: InnerParts): void {
  // Not the parts themselves, which hold a password: a log that prints the connection shows no more than a function.
  Object.defineProperty(mq, PARTS, { value: () => parts })
}

/**
 * The parts of a connection that {@link attachParts} was called for.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function partsOf(mq: unknown): InnerParts {
  const parts = (Object(mq) as { [PARTS]?: () => InnerParts })[PARTS]
  if (parts) return parts()
  const hint = mq instanceof Promise ? ' (await it)' : ''
  throw invalidOption('mq', `what connect() resolves to${hint}`, mq)
}
