import { expect, test } from 'vitest'
import { checkSearch, filterOf, searchOf, searchText } from '../../../src/dashboard/search.js'

const filter = (query: string) => {
  const defined = Object.entries(filterOf(searchOf(new URLSearchParams(query)))).filter(
    ([, value]) => value !== undefined,
  )
  return Object.fromEntries(defined)
}

test.each([
  ['', {}],
  ['id=&name=&from=', {}],
  ['id=42&idPrefix=order/', { idPart: '42', idPrefix: 'order/' }],
  ['name=a.b&cursor=x', { name: 'a.b' }],
  ['destination=queue:a/b', { destination: { queue: 'a/b' } }],
  ['destination=outlet:a', { destination: { queue: 'a', outlet: true } }],
  ['destination=exchange:e', { destination: { exchange: 'e' } }],
  ['destination=exchange:e/k/l', { destination: { exchange: 'e', routingKey: 'k/l' } }],
  ['header=clinic=north', { headers: { clinic: 'north' } }],
  ['header=a=b=c', { headers: { a: 'b=c' } }],
  ['header=n=5', { headers: { n: 5 } }],
  ['header=n="5"', { headers: { n: '5' } }],
  ['from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z', { from: 1893456000000, to: 1893542400000 }],
])('the search %j', (query, expected) => {
  expect(filter(query)).toEqual(expected)
})

test.each([
  'destination=reminders',
  'destination=queue:',
  'header=clinic',
  'header==x',
  'header=dueque-due=1',
  'from=tomorrow',
  'from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z',
])('the search %j is refused', (query) => {
  expect(() => filter(query)).toThrow()
})

test.each([undefined, null, 'x', [], { idprefix: 'a' }, { id: 5 }])('%j in a body is no search', (search) => {
  expect(() => checkSearch(search)).toThrow(/^search: expected/)
})

test('a search is said in words, and says nothing if it is about all messages', () => {
  expect(searchText({})).toBe('')
  const search = { id: '4', idPrefix: 'o', name: 'n', destination: 'queue:q', header: 'a=b', from: 'F', to: 'T' }
  expect(searchText(search)).toBe(
    'with ids that contain 4, with ids that begin with o, of the name n, to queue:q, with the header a=b, from F on, before T',
  )
})
