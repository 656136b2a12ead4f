import { expect, test } from 'vitest'
import { StreamIdentity } from '../../../../src/strategies/definitions/stream-identity.js'

/** Each stream begins with a record without content. */
const record = (offset: number, writtenAt: number, body = '', id?: string) => {
  return { id, offset, writtenAt, body: Buffer.from(body) }
}
const KNOWN = [record(0, 1000), record(1, 1000, 'a'), record(2, 2000, 'b')]

/** Whether a stream is another one than that of the records that were read. */
function isAnother(identity: StreamIdentity, stream: readonly ReturnType<typeof record>[]): boolean {
  const comparison = identity.compare()
  for (const one of stream) comparison.read(one)
  return comparison.isAnother()
}

test.each([
  ['the same', KNOWN, false],
  ['the same, of which the last records are lost, and others in their place', [KNOWN[0]!, record(1, 5000, 'c')], false],
  ['the same, which has forgotten the first record', KNOWN.slice(1), false],
  ['an empty one', [], true],
  ['one of another time', [record(0, 9000), ...KNOWN.slice(1)], true],
  ['one of the same second', [record(0, 1000, '', 'other'), ...KNOWN.slice(1)], true],
  ['one with another first record', [record(0, 1000, 'a'), record(1, 1000, 'b')], true],
])('tells whether a stream is the one that was read: %s', (_, stream, expected) => {
  const identity = new StreamIdentity()
  // As they come, and again after a reconnect.
  for (const one of [...KNOWN, ...stream]) identity.read(one)
  expect(isAnother(identity, stream)).toBe(expected)
  // It is the known one now.
  expect(isAnother(identity, stream)).toBe(false)
})

test('a stream that ends before the known record is another one, and one that was never read is not', () => {
  const identity = new StreamIdentity()
  expect(isAnother(identity, [])).toBe(false)
  identity.read(record(700, 1000, 'a'))
  expect(isAnother(identity, [record(0, 9000), record(1, 9000, 'b')])).toBe(true)
  expect(isAnother(identity, KNOWN)).toBe(true)
})
