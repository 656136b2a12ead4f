import { parseInstant } from '../message/due.js'
import type { Destination } from '../message/destination.js'
import type { HeaderValue } from '../message/headers.js'
import { checkFilter } from '../schedule/list-options.js'
import type { WaitlistFilter } from '../strategies/waiting-view.js'
import type { Search } from './api.js'
import { badRequest } from './http/refused.js'

const FIELDS: readonly (keyof Search)[] = ['id', 'idPrefix', 'name', 'destination', 'header', 'from', 'to']

/** The fields of a search in the query of a URL. Empty ones count as missing. */
export function searchOf(query: URLSearchParams): Search {
  const given = FIELDS.flatMap((name) => {
    const value = query.get(name)
    return value === null || value === '' ? [] : [[name, value]]
  })
  return Object.fromEntries(given) as Search
}

/** A search in the body of a request. @throws Refused 400 */
export function checkSearch(search: unknown): Search {
  const isObject = typeof search === 'object' && search !== null && !Array.isArray(search)
  const entries = Object.entries(isObject ? search : { search })
  const unknown = entries.find(([name, value]) => !FIELDS.includes(name as keyof Search) || typeof value !== 'string')
  // A misspelt field would mean more messages, perhaps all.
  if (!isObject || unknown) throw badRequest(`search: expected texts named ${FIELDS.join(', ')}`)
  return Object.fromEntries(entries.filter(([, value]) => value !== ''))
}

/** @throws Refused 400; DuequeError `INVALID_OPTION`, `INVALID_DUE`, … */
export function filterOf({ id, idPrefix, name, destination, header, from, to }: Search): WaitlistFilter {
  const filter = checkFilter({
    idPrefix,
    name,
    destination: destination === undefined ? undefined : destinationOf(destination),
    headers: header === undefined ? undefined : headerOf(header),
    due: { from: dateOf('from', from), to: dateOf('to', to) },
  })
  return id === undefined ? filter : { ...filter, idPart: id }
}

/** For people: the fields that are given. Empty if no message is left out. */
export function searchText({ id, idPrefix, name, destination, header, from, to }: Search): string {
  const parts = [
    id !== undefined && `with ids that contain ${id}`,
    idPrefix !== undefined && `with ids that begin with ${idPrefix}`,
    name !== undefined && `of the name ${name}`,
    destination !== undefined && `to ${destination}`,
    header !== undefined && `with the header ${header}`,
    from !== undefined && `from ${from} on`,
    to !== undefined && `before ${to}`,
  ]
  return parts.filter((part) => part !== false).join(', ')
}

function destinationOf(text: string): Destination {
  const [, kind, name = ''] = /^(queue|outlet|exchange):(.+)$/s.exec(text) ?? []
  if (kind === 'queue') return { queue: name }
  if (kind === 'outlet') return { queue: name, outlet: true }
  if (kind === undefined) throw badRequest('destination: expected queue:NAME, exchange:NAME or exchange:NAME/KEY')
  const slash = name.indexOf('/')
  return slash < 0 ? { exchange: name } : { exchange: name.slice(0, slash), routingKey: name.slice(slash + 1) }
}

/** A value is JSON if it can be, such as 5 or true, and else a text. */
function headerOf(text: string): Record<string, HeaderValue> {
  const equals = text.indexOf('=')
  if (equals < 1) throw badRequest('header: expected NAME=VALUE')
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)]
  return { [name]: jsonOr(value) }
}

function jsonOr(text: string): HeaderValue {
  try {
    return JSON.parse(text) as HeaderValue
  } catch {
    return text
  }
}

function dateOf(field: string, text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(parseInstant(text, field))
}
