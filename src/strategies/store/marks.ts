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

/** The first text that sorts after every stored id with this prefix, in the order of bytes. Undefined if no text does. */
export function behindPrefix(prefix: string): string | undefined {
  const characters = Array.from(storedPrefix(prefix))
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const code = last.codePointAt(0)!
    // Halves of surrogate pairs are no characters.
    if (code < 0x10ffff) return characters.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1)
  }
  return undefined
}

/** Whether {@link storedPrefix} begins no other ids than the prefix does. */
export function isWholePrefix(prefix: string): boolean {
  return withoutHalf(prefix) === prefix
}

function withoutHalf(prefix: string): string {
  return prefix.replace(/[\ud800-\udbff]$/, '')
}
