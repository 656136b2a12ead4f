import { isDeepStrictEqual } from 'node:util'
import type { Headers } from '../../message/headers.js'

export type ExchangeType = 'direct' | 'topic' | 'fanout' | 'headers'

export interface Binding {
  queue: string
  key: string
  /** For headers exchanges: the headers to match, and `x-match`. */
  args: Headers
}

/** The queues that an exchange routes to, each once. AMQP 0-9-1, 3.1.3. */
export function route(
  type: ExchangeType,
  bindings: readonly Binding[],
  routingKey: string,
  headers: Headers,
): string[] {
  const matching = bindings.filter((binding) => matches(type, binding, routingKey, headers))
  return [...new Set(matching.map(({ queue }) => queue))]
}

function matches(type: ExchangeType, { key, args }: Binding, routingKey: string, headers: Headers): boolean {
  switch (type) {
    case 'fanout':
      return true
    case 'direct':
      return key === routingKey
    case 'topic':
      return matchesTopic(words(key), words(routingKey))
    case 'headers':
      return matchesHeaders(args, headers)
  }
}

/** An empty key has no words, not an empty one. */
function words(key: string): string[] {
  return key === '' ? [] : key.split('.')
}

/** `*` is one word, `#` any number of them. */
function matchesTopic([pattern, ...patterns]: string[], words: string[]): boolean {
  if (pattern === undefined) return words.length === 0
  const [word, ...rest] = words
  if (pattern === '#')
    return matchesTopic(patterns, words) || (word !== undefined && matchesTopic(['#', ...patterns], rest))
  return word !== undefined && (pattern === '*' || pattern === word) && matchesTopic(patterns, rest)
}

function matchesHeaders({ 'x-match': match = 'all', ...wanted }: Headers, headers: Headers): boolean {
  const [kind, withX] = (typeof match === 'string' ? match : 'all').split('-with-')
  const fits = Object.entries(wanted)
    .filter(([name]) => withX === 'x' || !name.startsWith('x-'))
    .map(([name, value]) => Object.hasOwn(headers, name) && (value === null || isDeepStrictEqual(headers[name], value)))
  return kind === 'any' ? fits.some(Boolean) : fits.every(Boolean)
}
