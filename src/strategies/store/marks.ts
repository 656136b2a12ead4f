import { toJson } from '../../message/stored-message.js'
import type { WaitlistFilter } from '../waiting-view.js'

/**
 * Texts that are in the stored JSON of every message with these headers, and with this part in its id. Other messages may hold
 * these texts too.
 */
export function filterMarks({ headers = {}, idPart }: Pick<WaitlistFilter, 'headers' | 'idPart'>): string[] {
  const marks = Object.entries(headers).map(([name, value]) => {
    // The keys of a table come in any order.
    const isWhole = typeof value !== 'object' || value === null
    const json = toJson({ [name]: isWhole ? value : 0 }, false)
    return json.slice(1, isWhole ? -1 : -2)
  })
  // The other half of a pair may be before the part.
  return idPart === undefined ? marks : [...marks, storedPrefix(idPart.replace(/^[\udc00-\udfff]/, ''))]
}

/**
 * The beginning of every stored id with this prefix, as JSON without the quotes. Half of a surrogate pair at its end is left
 * out: JSON escapes a half, and keeps a pair as it is.
 */
export function storedPrefix(prefix: string): string {
  return JSON.stringify(withoutHalf(prefix)).slice(1, -1)
}

/** Whether {@link storedPrefix} begins no other ids than the prefix does. */
export function isWholePrefix(prefix: string): boolean {
  return withoutHalf(prefix) === prefix
}

function withoutHalf(prefix: string): string {
  return prefix.replace(/[\ud800-\udbff]$/, '')
}
