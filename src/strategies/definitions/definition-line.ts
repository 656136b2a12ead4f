import { isInteger } from '../../base/checks.js'
import { shown } from '../../base/errors.js'
import type { DefinitionRecord } from '../recurring-definitions.js'

/** A record as one line of JSON: docs/wire-format.md. */
export function encodeDefinitionLine({ id, revision, definition }: DefinitionRecord): string {
  return JSON.stringify(definition === undefined ? { id, revision, removed: true } : { id, revision, definition })
}

/** Later versions may add fields. @throws Error for a line that is no record */
export function decodeDefinitionLine(line: string): DefinitionRecord {
  const parsed = Object(JSON.parse(line)) as Partial<Record<'id' | 'revision' | 'definition' | 'removed', unknown>>
  const { id, revision, definition, removed } = parsed
  if (typeof id !== 'string' || id === '') throw expected('a text as id', id)
  const record = { id, revision: revisionOf(revision) }
  if (removed === true && definition === undefined) return { ...record, definition: undefined }
  if (typeof definition === 'string' && definition !== '' && removed === undefined) return { ...record, definition }
  throw new Error('a record of a definition: expected either a text as definition, or removed: true')
}

/** @throws Error for a value that was read and is no revision */
export function revisionOf(value: unknown): number {
  if (isInteger(value, 0)) return value
  throw expected('a whole number from 0 as revision', value)
}

function expected(what: string, value: unknown): Error {
  return new Error(`a record of a definition: expected ${what}, got ${shown(value)}`)
}
