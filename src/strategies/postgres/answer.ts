import { isUint8Array } from 'node:util/types'
import { DuequeError, shown } from '../../base/errors.js'
import { storedNumber } from '../store/stored-number.js'

/**
 * A row of an answer, in the order of the statement's columns, of which every one is cast to text. So there is nothing that
 * the parsers of a client, its transformations of names, or settings of the server (`bytea_output`, `DateStyle`) can change.
 */
export type Row = readonly (string | null)[]

/** @throws DuequeError `STORE_ERROR` for what is no text */
export function rowsOf(answer: readonly unknown[]): Row[] {
  return answer.map((row) => Object.values(row as object).map(textIn))
}

/**
 * The rows of an answer, in the shapes that clients and ORMs give: a list, `{ rows }`, or a list with the number of affected
 * rows, as from TypeORM.
 *
 * @throws DuequeError `STORE_ERROR` for anything else
 */
export function rowsIn(answer: unknown): readonly unknown[] {
  const { rows = answer } = Object(answer) as { rows?: unknown }
  if (!Array.isArray(rows)) throw notRows(answer)
  const [first, affected] = rows as unknown[]
  return Array.isArray(first) && typeof affected === 'number' ? first : rows
}

function notRows(answer: unknown): DuequeError<'STORE_ERROR'> {
  const what = `expected a list of rows, or { rows }, as the answer in the transaction, got ${shown(answer)}`
  const mend = 'The statement was sent: roll back. For ORMs there are fromKnex, fromKysely, …'
  return new DuequeError('STORE_ERROR', `postgres: ${what}. ${mend}`, { store: 'postgres' }, { outcome: 'unknown' })
}

function textIn(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return null
  if (isUint8Array(value)) return Buffer.from(value).toString()
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  const what = `expected text in the answer, got ${shown(value)}: does the client parse or transform text?`
  throw new DuequeError('STORE_ERROR', `postgres: ${what}`, { store: 'postgres' }, { outcome: 'unknown' })
}

/** Undefined for NULL, or where there is no row. */
export function numberIn(text: string | null | undefined): number | undefined {
  return text === null || text === undefined ? undefined : storedNumber(text, 'postgres')
}

/** `true` and `false`, as PostgreSQL writes a boolean that is cast to text. */
export function isTrue(text: string | null | undefined): boolean {
  return text === 'true'
}
