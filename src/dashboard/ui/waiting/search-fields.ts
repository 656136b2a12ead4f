import type { Search } from '../../api.js'
import { instantOfInput, localInput } from '../text/instants.js'

const FIELDS = ['id', 'idPrefix', 'name', 'destination', 'header', 'from', 'to'] as const satisfies (keyof Search)[]

/** The search in the address of the page. */
export function searchOf(query: URLSearchParams): Search {
  const search: Search = {}
  for (const field of FIELDS) {
    const value = query.get(field)
    if (value) search[field] = value
  }
  return search
}

export function isEmptySearch(search: Search): boolean {
  return FIELDS.every((field) => !search[field])
}

/** A destination without its kind is a queue. */
export function fullDestination(typed: string): string {
  const text = typed.trim()
  return text === '' || /^(?:queue|outlet|exchange):/.test(text) ? text : `queue:${text}`
}

/** The same search always has the same text. */
export function searchText(search: Search): string {
  return FIELDS.map((field) => search[field] ?? '').join('\n')
}

/** What is in the fields of the form. */
export type TypedSearch = Record<keyof Search, string>

export function typedOf(search: Search): TypedSearch {
  const { id = '', idPrefix = '', name = '', destination = '', header = '', from, to } = search
  return { id, idPrefix, name, destination, header, from: inputOf(from), to: inputOf(to) }
}

/** @param before the search that was shown in the fields: an instant that nobody has changed stays the same */
export function searchIn({ id, idPrefix, name, destination, header, from, to }: TypedSearch, before: Search): Search {
  const [start, end] = [instantIn(from, before.from), instantIn(to, before.to)]
  return {
    ...(id && { id }),
    ...(idPrefix && { idPrefix }),
    ...(name && { name }),
    ...(destination.trim() && { destination: fullDestination(destination) }),
    // A half-typed one would be refused.
    ...(header.includes('=') && { header }),
    ...(start && { from: start }),
    ...(end && { to: end }),
  }
}

function inputOf(at: string | undefined): string {
  return at === undefined ? '' : localInput(Date.parse(at))
}

/** In the hour that comes twice when summer time ends, the same text is two instants. */
function instantIn(typed: string, before: string | undefined): string | undefined {
  return typed !== '' && typed === inputOf(before) ? before : instantOfInput(typed)
}
