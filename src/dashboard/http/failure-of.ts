import { isDuequeError, type ErrorCode } from '../../base/errors.js'
import type { Failure } from '../api.js'
import { Refused } from './refused.js'

/** The fault is in the request. */
const OF_REQUEST: readonly ErrorCode[] = [
  'INVALID_OPTION',
  'INVALID_DUE',
  'DELAY_OUT_OF_RANGE',
  'RESERVED_NAME',
  'NAME_TOO_LONG',
  'HEADERS_TOO_LARGE',
  'INVALID_PAYLOAD',
]
const NOT_THERE: readonly ErrorCode[] = ['NO_SUCH_SCHEDULE', 'DESTINATION_MISSING', 'TOPOLOGY_MISSING']

/** What is shown of an error that is neither a refusal nor a `DuequeError`: its text may hold anything. */
const UNEXPECTED: Failure = { code: 'UNEXPECTED', message: 'an unexpected error, which is in the log of the server' }

export function isExpected(error: unknown): boolean {
  return error instanceof Refused || isDuequeError(error)
}

/** What the pages are told of an error. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Refused) {
    const { code, message, found } = error
    return { code, message, ...(found !== undefined && { found }) }
  }
  return isDuequeError(error) ? { code: error.code, message: error.message } : UNEXPECTED
}

/** 503 for a broker, store or journal that cannot be asked now. */
export function statusOf(error: unknown): number {
  if (error instanceof Refused) return error.status
  if (!isDuequeError(error)) return 500
  if (OF_REQUEST.includes(error.code)) return 400
  return NOT_THERE.includes(error.code) ? 404 : 503
}
