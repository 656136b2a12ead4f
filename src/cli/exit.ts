import { isDuequeError, isError, type ErrorCode } from '../base/errors.js'

/**
 * What the exit code says. Scripts rely on it: `dueque help options` shows the same table.
 *
 * | code    | meaning                                                                                               |
 * |---------|-------------------------------------------------------------------------------------------------------|
 * | 0       | everything was done                                                                                   |
 * | 1       | some lines or messages failed, are not there, do not wait, were cancelled too late, or were not reached because the output was closed; the others are done |
 * | 2       | wrong usage, or a message that cannot be sent as it is: nothing was sent                               |
 * | 3       | the broker (or its management API, or the store) is unreachable, or refused credentials, vhost or permission |
 * | 4       | the broker could not do it: a destination is missing, no confirm came, …                              |
 * | 5       | `doctor` found warnings                                                                               |
 * | 6       | `doctor` found errors                                                                                 |
 * | 7       | `plugin status`: messages wait in the delayed-message plugin, or nobody can say                       |
 * | 130 143 | SIGINT or SIGTERM ended `schedule` before its input was read to the end, `redrive` or `journal restore` half-way, or `doctor` |
 */
export const EXIT = {
  ok: 0,
  partial: 1,
  usage: 2,
  refused: 3,
  failed: 4,
  warnings: 5,
  errors: 6,
  waiting: 7,
  SIGINT: 130,
  SIGTERM: 143,
} as const

export const EXIT_HELP = `
Exit codes:
  0         everything was done
  1         some lines or messages failed, are missing, do not wait, were cancelled
            too late, or were not reached because the output was closed
  2         wrong usage, or a message that cannot be sent as it is: nothing was sent
  3         the broker, its management API or the store is unreachable, or refused
            credentials, vhost or permission
  4         the broker could not do it: a destination is missing, no confirm came, …
  5, 6      doctor found warnings; errors
  7         plugin status: messages wait in the plugin, or nobody can say
  130, 143  SIGINT or SIGTERM ended schedule before the end of its input, redrive
            or journal restore half-way, or doctor; work under way is done. consume,
            relay, gate, ticker, metrics and dashboard end with 0 after the first signal. A second
            one ends any command at once`

/** A failure that the command line finds by itself. */
export class CommandError extends Error {
  readonly code:
    | 'USAGE'
    | 'INVALID_LINE'
    | 'NOT_FOUND'
    | 'NOT_WAITING'
    | 'TOO_LATE'
    | 'EXPIRED'
    | 'QUEUE_MISSING'
    | 'NOT_EMPTY'
    | 'STORE_UNREACHABLE'

  constructor(code: CommandError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

export function usage(message: string, cause?: unknown): CommandError {
  return new CommandError('USAGE', message, cause)
}

const EXIT_OF: Record<ErrorCode | CommandError['code'], number> = {
  USAGE: EXIT.usage,
  INVALID_LINE: EXIT.partial,
  NOT_FOUND: EXIT.partial,
  NOT_WAITING: EXIT.partial,
  TOO_LATE: EXIT.partial,
  EXPIRED: EXIT.partial,
  NOT_EMPTY: EXIT.failed,
  QUEUE_MISSING: EXIT.failed,
  BINDING_MISSING: EXIT.failed,
  INVALID_OPTION: EXIT.usage,
  INVALID_DUE: EXIT.usage,
  DELAY_OUT_OF_RANGE: EXIT.usage,
  INVALID_PAYLOAD: EXIT.usage,
  RESERVED_NAME: EXIT.usage,
  NAME_TOO_LONG: EXIT.usage,
  BODY_TOO_LARGE: EXIT.usage,
  HEADERS_TOO_LARGE: EXIT.usage,
  UNREACHABLE: EXIT.refused,
  AUTHENTICATION_FAILED: EXIT.refused,
  VHOST_REFUSED: EXIT.refused,
  TLS_REFUSED: EXIT.refused,
  PERMISSION_DENIED: EXIT.refused,
  MANAGEMENT_FAILED: EXIT.refused,
  STORE_UNREACHABLE: EXIT.refused,
  TOPOLOGY_MISMATCH: EXIT.failed,
  DESTINATION_MISSING: EXIT.failed,
  NOT_BOUND: EXIT.failed,
  TOPOLOGY_MISSING: EXIT.failed,
  UNSUPPORTED: EXIT.failed,
  PUBLISH_TIMEOUT: EXIT.failed,
  CONFLICT: EXIT.failed,
  NO_SUCH_SCHEDULE: EXIT.partial,
  STORE_ERROR: EXIT.failed,
  STORED_MESSAGE_UNREADABLE: EXIT.failed,
  STORED_MESSAGE_MISSING: EXIT.failed,
  STORE_NOT_READY: EXIT.failed,
  ABORTED: EXIT.failed,
  ALREADY_DECIDED: EXIT.failed,
  NOT_ENCODABLE: EXIT.failed,
  MESSAGE_REFUSED: EXIT.failed,
  DECLARATION_REFUSED: EXIT.failed,
  CANCELLATIONS_UNREAD: EXIT.failed,
  JOURNAL_UNREAD: EXIT.failed,
  RECURRING_UNREAD: EXIT.failed,
  CLOSE_IN_HANDLER: EXIT.failed,
  CLOSED: EXIT.failed,
  CLOCK_STUCK: EXIT.failed,
  TELEMETRY_FAILED: EXIT.failed,
  BROKER_ERROR: EXIT.failed,
}

export function exitCodeOf(error: unknown): number {
  return isDuequeError(error) || error instanceof CommandError ? EXIT_OF[error.code] : EXIT.failed
}

/** What an operator's work fails with: no message was to be scheduled, so that there is no outcome to tell. */
const WITHOUT_OUTCOME: readonly ErrorCode[] = ['MANAGEMENT_FAILED', 'NOT_EMPTY', 'BINDING_MISSING']

/** An error as programs read it. `outcome` tells of a schedule whether the message may wait all the same. */
export function errorJson(error: unknown): { code: string; message: string; outcome?: string | undefined } {
  const message = isError(error) ? error.message : String(error)
  if (isDuequeError(error))
    return { code: error.code, message, outcome: WITHOUT_OUTCOME.includes(error.code) ? undefined : error.outcome }
  return { code: error instanceof CommandError ? error.code : 'UNEXPECTED', message }
}
