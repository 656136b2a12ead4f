import { DuequeError, errorText, isDuequeError, type Outcome } from '../../base/errors.js'
import { TIMED_OUT } from '../../base/time-limit.js'

/**
 * Classes of SQLSTATE after which a statement may have been committed: the connection or the server went away, or something
 * inside the server did. All others are reported before a commit. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNKNOWN = /^(?:08|57P|58|XX|F0)|^40003$/
export const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * What a client of PostgreSQL has thrown. Of that, the text and the SQLSTATE are kept: the server's details may hold what
 * was in a row.
 *
 * @param ifLost the outcome where there is no answer from the server
 */
export function storeError(error: unknown, ifLost: Outcome): DuequeError {
  if (isDuequeError(error)) return error
  const code = sqlState(error)
  const outcome = code === undefined || UNKNOWN.test(code) ? ifLost : 'refused'
  const cause = Object.assign(new Error(textOf(error)), code === undefined ? {} : { code })
  const data = { store: 'postgres', ...(code === INSUFFICIENT_PRIVILEGE && { denied: true as const }) }
  return new DuequeError('STORE_ERROR', `postgres: ${textOf(error)}`, data, { cause, outcome })
}

/** All connections of the pool are in use, or the server does not answer. */
export function noConnection(timeoutMs: number, outcome: Outcome): DuequeError<'STORE_ERROR'> {
  const mend = 'are all of them in use? (options: max of the pool, transaction of schedule)'
  const text = `postgres: no connection of the pool within ${timeoutMs} ms: ${mend}`
  return new DuequeError('STORE_ERROR', text, { store: 'postgres' }, { outcome, cause: TIMED_OUT })
}

/** Silence: of the server, or of the network. It may still be at it. */
export function noAnswer(timeoutMs: number, outcome: Outcome): DuequeError<'STORE_ERROR'> {
  const text = `postgres: no answer within ${timeoutMs} ms (option: timeoutMs)`
  return new DuequeError('STORE_ERROR', text, { store: 'postgres' }, { outcome, cause: TIMED_OUT })
}

/** Whether {@link noAnswer} or {@link noConnection} says so: what comes next would wait as long. */
export function isSilence(error: unknown): boolean {
  return isDuequeError(error, 'STORE_ERROR') && error.cause === TIMED_OUT
}

/** Five letters and digits, if the error is the server's. */
export function sqlState(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (isDuequeError(error)) return cause === undefined ? undefined : sqlState(cause)
  // Those of Node are longer, or begin with E: EPIPE.
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]/.test(code) ? code : undefined
}

/** Classes of SQLSTATE that speak of a row: data, constraints, limits. */
export function isOfARow(error: unknown): boolean {
  return /^(?:22|23|54)/.test(sqlState(error) ?? '')
}

/** Another attempt may do: the server chose this statement to go first. */
export function isPassing(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlState(error) ?? '')
}

/** Without an answer from the server, the connection is of no more use. */
export function isLost(error: unknown): boolean {
  if (isDuequeError(error) && error.code !== 'STORE_ERROR') return false
  const code = sqlState(error)
  return code === undefined || UNKNOWN.test(code)
}

/** An AggregateError of a host with several addresses has no text of its own. */
function textOf(error: unknown): string {
  const text = errorText(error)
  const { code, errors } = (error ?? {}) as { code?: unknown; errors?: unknown[] }
  if (text !== '') return text
  return errors?.[0] === undefined ? String(code) : errorText(errors[0])
}
