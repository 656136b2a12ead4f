import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addFilter, filterFlags, filterOf, filterText, type FilterOptions } from '../../../src/cli/waiting-filter.js'

const parsed = (...args: string[]) => {
  const command = addFilter(new Command().exitOverride().configureOutput({ writeErr: () => undefined }))
  return command.parse(args, { from: 'user' }).opts<FilterOptions>()
}

const MEANT: [what: string, args: string[], text: string][] = [
  ['nothing', [], ''],
  ['a name and a queue', ['--name', 'n', '--queue', 'q'], 'of the name n, to queue:q'],
  ['an exchange', ['--exchange', 'e'], 'to exchange:e'],
  ['a key', ['--exchange', 'e', '--key', ''], 'to exchange:e with the key '],
  ['an id', ['--id-prefix', 'a/'], 'with ids that begin with a/'],
  ['headers', ['--header', 'a=b=c', '--header', 'd='], 'with the header a=b=c, with the header d='],
  [
    'times',
    ['--from', '2030-01-01T00:00:00Z', '--to', '2030-01-01T09:00:00+01:00'],
    'from 2030-01-01T00:00:00.000Z on, before 2030-01-01T08:00:00.000Z',
  ],
  ['characters that steer a terminal', ['--id-prefix', '\u001b[2J'], 'with ids that begin with \\x1b[2J'],
]

test.each(MEANT)('a filter by %s is told in words, and its flags are known', (_, args, text) => {
  const options = parsed(...args)
  expect(filterText(filterOf(options))).toBe(text)
  expect(filterFlags(options)).toEqual(expect.arrayContaining([...new Set(args.filter((arg) => arg.startsWith('--')))]))
  expect(filterFlags(options).length > 0).toBe(args.length > 0)
})

test.each([
  ['a key without an exchange', ['--key', 'k']],
  ['a header without a value', ['--header', 'a']],
  ['a header with two values', ['--header', 'a=1', '--header', 'a=2']],
  ['an id that begins with nothing', ['--queue', 'q', '--id-prefix', '']],
  ['times in the wrong order', ['--from', '2030-01-02T00:00:00Z', '--to', '2030-01-01T00:00:00Z']],
])('%s is refused', (_, args) => {
  expect(() => filterOf(parsed(...args))).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

test('a filter has every field that was given, and no other', () => {
  const options = parsed('--exchange', 'e', '--key', 'k', '--header', 'a=b', '--id-prefix', 'x')
  expect(filterOf(options)).toEqual({
    due: { from: undefined, to: undefined },
    name: undefined,
    destination: { exchange: 'e', routingKey: 'k' },
    idPrefix: 'x',
    headers: { a: 'b' },
  })
})
