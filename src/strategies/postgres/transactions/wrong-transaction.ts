import { DuequeError } from '../../../base/errors.js'

/** The error of a transaction in which dueque cannot work. */
export function wrongTransaction(expected: string, came: string, cause?: unknown): DuequeError<'INVALID_OPTION'> {
  const text = `transaction: expected ${expected}, got ${came}`
  return new DuequeError('INVALID_OPTION', text, { option: 'transaction' }, { cause })
}
