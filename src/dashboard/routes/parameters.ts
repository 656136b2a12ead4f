import { badRequest } from '../http/refused.js'

/** A parameter of a query. An empty one counts as missing. */
export function given(query: URLSearchParams, name: string): string | undefined {
  return query.get(name) || undefined
}

/** @throws Refused 400 */
export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = given(query, name)
  if (text === undefined) return undefined
  if (/^\d{1,16}$/.test(text)) return Number(text)
  throw badRequest(`${name}: expected a whole number`)
}
