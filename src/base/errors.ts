import { isDate, isNativeError } from 'node:util/types'

/** What each error code carries, for programs; the error's message says the same to people. */
export interface ErrorData {
  /** An option, header or argument that cannot be used as it is. */
  INVALID_OPTION: { option: string }
  /** `in` or `at` is not a point in time that can be understood. */
  INVALID_DUE: { value: unknown }
  /** Due further away than the strategy can wait. */
  DELAY_OUT_OF_RANGE: { delayMs: number; maxDelayMs: number }
  /** The payload does not fit the message's schema. */
  INVALID_PAYLOAD: { message: string; issues: readonly PayloadIssue[] }
  /** A header, routing key or name that dueque keeps for itself. */
  RESERVED_NAME: { name: string }
  /** A parked message names a destination that its namespace does not reach, and no operator has said that it may. */
  NOT_BOUND: { destination: string }
  /** A name, id or key is longer than AMQP allows. */
  NAME_TOO_LONG: { name: string; bytes: number; maxBytes: number }
  /** The payload as JSON is larger than `maxBodyBytes`. */
  BODY_TOO_LARGE: { bytes: number; maxBytes: number }
  /** The user's headers are larger than 48 KiB together. */
  HEADERS_TOO_LARGE: { bytes: number; maxBytes: number }
  /** AMQP, or amqplib, has no way to write it: headers or properties that a foreign producer sent. */
  NOT_ENCODABLE: Record<never, never>
  /** RabbitMQ closes the channel or the connection when it gets this message, also when it gets it alone. */
  MESSAGE_REFUSED: { replyCode: number }
  /** No broker answered at any of the URLs. */
  UNREACHABLE: { hosts: readonly string[]; waitedMs?: number }
  /** The broker does not accept user and password. */
  AUTHENTICATION_FAILED: { host: string; user: string }
  /** The virtual host is missing, or closed to this user. */
  VHOST_REFUSED: { host: string; vhost: string }
  /** The server's certificate, or ours, was not accepted. */
  TLS_REFUSED: { host: string }
  /** The user lacks a permission on a queue or exchange. */
  PERMISSION_DENIED: { permission: 'configure' | 'write' | 'read' | 'unknown'; resource: string }
  /** A queue or exchange exists with other arguments than dueque needs. */
  TOPOLOGY_MISMATCH: { resource: string }
  /** The queue or exchange that a message is to go to does not exist. */
  DESTINATION_MISSING: { destination: string }
  /** A part of the broker layout is missing, and this connection declares nothing (`topology: 'trust'`). */
  TOPOLOGY_MISSING: { resource: string }
  /** The broker is too old, lacks a feature, or is no RabbitMQ. */
  UNSUPPORTED: { feature: string }
  /** The broker did not confirm in time. */
  PUBLISH_TIMEOUT: { waitedMs: number }
  /** The caller's signal ended the call. */
  ABORTED: { reason: unknown }
  /** A message with this id waits already, and `onConflict` is 'error'. */
  CONFLICT: { id: string }
  /** There is no recurring message with this id. */
  NO_SUCH_SCHEDULE: { id: string }
  /** The store of the strategy could not be asked, or answered with an error. `denied`: its user lacks a right. */
  STORE_ERROR: { store: string; denied?: true }
  /** The store lacks something: its schema, a setting, a version. */
  STORE_NOT_READY: { store: string }
  /**
   * The store holds entries that are no messages, or were written by a later version. They stay there and stop nobody.
   * `keys` names ten of them at most, as the store calls them.
   */
  STORED_MESSAGE_UNREADABLE: { store: string; count: number; keys: readonly string[] }
  /** Entries that a relay had claimed were gone when it came to settle or postpone them: the store has lost data. */
  STORED_MESSAGE_MISSING: { store: string; count: number }
  /** A second decision about one delivery, or one after its handler has ended. */
  ALREADY_DECIDED: Record<never, never>
  /** `close()` was called in a handler that it waits for. It goes on; only its promise cannot be awaited there. */
  CLOSE_IN_HANDLER: { queue: string; id: string }
  /** The connection, or dueque itself, is closed. */
  CLOSED: Record<never, never>
  /** The clock of a test (`dueque/testing`) cannot move on, because of handlers that do not end. */
  CLOCK_STUCK: { handlers: readonly { queue: string; name: string; id: string; attempt: number }[] }
  /** RabbitMQ closes the connection when it is asked about this queue or exchange, also on a connection of its own. */
  DECLARATION_REFUSED: { resource: string; replyCode: number }
  /** The management API did not answer, refused the user, or is none of RabbitMQ. */
  MANAGEMENT_FAILED: { host: string }
  /** A queue or exchange still holds messages, and would be deleted with them. `null`: nobody knows how many. */
  NOT_EMPTY: { resource: string; messages: number | null }
  /** An exchange lacks bindings that another one has. */
  BINDING_MISSING: { exchange: string; bindings: readonly { to: 'queue' | 'exchange'; name: string; key: string }[] }
  /** A consumer cannot prove that it has read every cancellation: it may handle cancelled messages (option: onTailDown). */
  CANCELLATIONS_UNREAD: Record<never, never>
  /** The streams of the journal, or of the cancellations, cannot be read to their end: which messages wait is not known. */
  JOURNAL_UNREAD: Record<never, never>
  /** The stream of the definitions of recurring messages cannot be read to its end. */
  RECURRING_UNREAD: Record<never, never>
  /** A hook of a telemetry threw, rejected or hangs. Messages are not affected. Reported once for each hook of a connection. */
  TELEMETRY_FAILED: { hook: string }
  /** The broker answered with an error that has no code of its own here. */
  BROKER_ERROR: { replyCode: number | undefined }
}

export type ErrorCode = keyof ErrorData

/** One thing that a schema did not accept. `path` is like `patient.name` or `items[2]`, empty for the payload itself. */
export interface PayloadIssue {
  path: string
  message: string
}

/**
 * Whether a failed `schedule` may have left a message waiting.
 * `refused`: certainly nothing waits. `unknown`: the answer was lost; it may or may not wait. Scheduling again with
 * `repeat: error.receipt` is safe: consumers take both for one.
 */
export type Outcome = 'refused' | 'unknown'

/** message/receipt.ts adds `receipt`, whose type this room does not know. */
export interface DuequeErrorOptions {
  cause?: unknown
  /** @default 'refused' */
  outcome?: Outcome
}

/** Known to every copy of dueque in the process, as a class is not. */
const BRAND = Symbol.for('dueque.DuequeError')

/**
 * Every error that dueque throws. `code` is for `switch`, `data` holds the fields of that code (see {@link ErrorData}),
 * `cause` is what lies beneath. No message, field or cause of it holds a password.
 *
 * @example
 * try { await mq.schedule(reminder, payload, { to, in: '30m' }) }
 * catch (error) {
 *   if (isDuequeError(error, 'INVALID_PAYLOAD')) console.error(error.data.issues)
 *   else throw error
 * }
 */
export class DuequeError<C extends ErrorCode = ErrorCode> extends Error {
  /** Also one of another copy of dueque, or of another realm. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    const isOne = BRAND in (Object(error) as object)
    // A subclass is still a class of its own.
    return isOne && (this === DuequeError || Object.prototype.isPrototypeOf.call(this.prototype, error as object))
  }

  override readonly name = 'DuequeError'
  readonly code: C
  readonly data: ErrorData[C]
  readonly outcome: Outcome
  /** Of a schedule whose outcome is unknown: what to repeat it with. */
  readonly receipt: DuequeErrorOptions['receipt']

  constructor(
    code: C,
    message: string,
    data: ErrorData[C],
    { cause, outcome = 'refused', receipt }: DuequeErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.data = data
    this.outcome = outcome
    this.receipt = receipt
  }
}

Object.defineProperty(DuequeError.prototype, BRAND, { value: true })

export function withOutcome(error: DuequeError, outcome: DuequeError['outcome']): DuequeError {
  if (error.outcome === outcome) return error
  return new DuequeError(error.code, error.message, error.data, { cause: error.cause, outcome })
}

/**
 * Tells dueque's errors from others, also those of another copy of dueque, and one code from another, so that TypeScript knows
 * `data`.
 */
export function isDuequeError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is DuequeError<C> {
  return error instanceof DuequeError && (code === undefined || error.code === code)
}

const FOR_EVER: readonly ErrorCode[] = ['NOT_ENCODABLE', 'BODY_TOO_LARGE', 'MESSAGE_REFUSED']

/** Whether no repetition can mend it: the message itself cannot be sent. */
export function isForEver(error: unknown): error is DuequeError {
  return isDuequeError(error) && FOR_EVER.includes(error.code)
}

/** The error of a call that its caller's signal has ended. */
export function aborted({ reason }: AbortSignal): DuequeError<'ABORTED'> {
  return new DuequeError('ABORTED', 'aborted by the signal', { reason: reason as unknown }, { cause: reason })
}

export function invalidOption(option: string, expected: string, received: unknown): DuequeError<'INVALID_OPTION'> {
  return new DuequeError('INVALID_OPTION', `${option}: expected ${expected}, got ${shown(received)}`, { option })
}

/** Of a text in an error message. */
export const SHOWN_CHARACTERS = 80

/** A value as it may stand in an error message: short, never an object's content. */
export function shown(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value)
  if (isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
  if (value === null || typeof value === 'undefined' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}

/** Where an error was thrown, cut to so many bytes; undefined for what has no stack. */
export function stackOf(error: unknown, maxBytes: number): string | undefined {
  try {
    const { stack } = error as { stack?: unknown }
    if (typeof stack !== 'string' || stack === '') return undefined
    // A character that is cut in two is left out.
    return new TextDecoder().decode(Buffer.from(stack).subarray(0, maxBytes), { stream: true })
  } catch {
    return undefined
  }
}

/** Of any realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value)
}

export function errorText(error: unknown): string {
  try {
    return String(isError(error) ? (error.message as unknown) : error)
  } catch {
    return shown(error)
  }
}
