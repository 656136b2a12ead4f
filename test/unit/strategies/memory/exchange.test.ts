import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { route, type Binding, type ExchangeType } from '../../../../src/strategies/memory/exchange.js'

function matches(type: ExchangeType, binding: Partial<Binding>, routingKey: string, headers = {}): boolean {
  return route(type, [{ queue: 'q', key: '', args: {}, ...binding }], routingKey, headers).length === 1
}

it('each queue receives the message once, in the order of the bindings', () => {
  const bindings = ['a #', 'b x.*', 'a x.y', 'c other', 'b #'].map((text) => {
    const [queue, key] = text.split(' ') as [string, string]
    return { queue, key, args: {} }
  })
  expect(route('topic', bindings, 'x.y', {})).toEqual(['a', 'b'])
  expect(route('direct', bindings, 'other', {})).toEqual(['c'])
  expect(route('fanout', bindings, '', {})).toEqual(['a', 'b', 'c'])
  expect(route('fanout', [], '', {})).toEqual([])
})

it('a direct exchange compares the whole key', () => {
  expect(['a.b', 'a', 'a.*', ''].filter((key) => matches('direct', { key }, 'a.b'))).toEqual(['a.b'])
})

describe('a topic exchange', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['a', 'a', true],
    ['a', 'A', false],
    ['a', '', false],
    ['a', 'a.b', false],
    ['a.b', 'a', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['*', '', false],
    ['*.*', 'a.b', true],
    ['*.*', 'a', false],
    ['*.*', '.', true],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a..c', true],
    ['a.*.c', 'a.c', false],
    ['#', '', true],
    ['#', 'a', true],
    ['#', 'a.b.c', true],
    ['a.#', 'a', true],
    ['a.#', 'a.b.c', true],
    ['a.#', 'b.a', false],
    ['#.c', 'c', true],
    ['#.c', 'a.b.c', true],
    ['#.c', 'c.a', false],
    ['a.#.c', 'a.c', true],
    ['a.#.c', 'a.b.b.c', true],
    ['a.#.c', 'a.b', false],
    ['#.b.#', 'a.b.c', true],
    ['#.b.#', 'a.c', false],
    ['#.*', '', false],
    ['#.*', 'a', true],
    ['#.#', '', true],
    ['*.#', 'a', true],
    ['*.#', '', false],
    ['a*', 'ab', false],
    ['dq~*', 'dq~30m', false],
  ])('with the pattern %j and the key %j: %s', (key, routingKey, expected) => {
    expect(matches('topic', { key }, routingKey)).toBe(expected)
  })

  it('matches like a regular expression over the words', () => {
    const words = (of: string) => fc.array(fc.constantFrom(...of.split('|')), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(words('a|b|*|#'), words('a|b'), (pattern, key) => {
        const source = pattern.map((word) =>
          word === '#' ? String.raw`(?:\w\.)*` : `${word === '*' ? String.raw`\w` : word}\\.`,
        )
        const expected = new RegExp(`^${source.join('')}$`).test(`${key.join('.')}.`)
        expect(matches('topic', { key: pattern.join('.') }, key.join('.'))).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a headers exchange', () => {
  const given = { a: 1, b: 'x', c: null }
  // As rabbit_exchange_type_headers does it.
  it.each([
    [{}, true],
    [{ 'x-match': 'all' }, true],
    [{ 'x-match': 'any' }, false],
    [{ a: 1 }, true],
    [{ a: 1, b: 'x' }, true],
    [{ a: 1, b: 'y' }, false],
    [{ a: 1, d: 1 }, false],
    [{ a: '1' }, false],
    [{ 'x-match': 'all', a: 1, b: 'y' }, false],
    [{ 'x-match': 'any', a: 1, b: 'y' }, true],
    [{ 'x-match': 'any', a: 2, b: 'y' }, false],
    [{ constructor: Object.name }, false],
    [{ a: null }, true],
    [{ d: null }, false],
    [{ 'x-match': 'all', 'x-other': 1, a: 1 }, true],
    [{ 'x-match': 'any', 'x-other': 1, a: 2 }, false],
    [{ 'x-match': 'all-with-x', 'x-other': 1, a: 1 }, false],
    [{ 'x-match': 'any-with-x', a: 1, b: 'y' }, true],
  ])('bound with %j: %s', (args, expected) => {
    expect(matches('headers', { args }, 'whatever', given)).toBe(expected)
  })

  it('compares lists and tables by their content', () => {
    expect(matches('headers', { args: { a: [1, { b: 2 }] } }, '', { a: [1, { b: 2 }] })).toBe(true)
  })
})
