import { isUint8Array } from 'node:util/types'
import { DuequeError, shown } from '../../base/errors.js'

/**
 * Reads a number in an answer of a store, in any type that a client may give it. Redis has infinities too.
 *
 * @throws DuequeError `STORE_ERROR` if it is not a number
 */
export function storedNumber(value: unknown, store: string): number {
  const text = isUint8Array(value) ? Buffer.from(value).toString() : value
  const number = numberIn(text)
  if (!Number.isNaN(number)) return number
  const what = `expected a number in the answer, got ${shown(text)}: does the client change answers?`
  throw new DuequeError('STORE_ERROR', `${store}: ${what}`, { store }, { outcome: 'unknown' })
}

function numberIn(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string' || value.trim() === '') return NaN
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(value)
  if (infinity) return infinity[1] === '-' ? -Infinity : Infinity
  return Number(value)
}
