import type { Search } from '../../api.js'

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
