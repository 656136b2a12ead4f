import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DelayedMessage } from '../../../../src/message/delayed-message.js'
import { marksOf, messageOf, tagOf, valueOf } from '../../../../src/strategies/redis/entry.js'

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
const time = fc.integer({ min: 0, max: 8.64e15 })
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })

const messages = fc.record({
  id: text,
  name: text,
  version: fc.integer({ min: 1, max: 9 }),
  body: fc.uint8Array({ maxLength: 50 }),
  destination: fc.oneof(
    fc.record({ queue: text }),
    fc.record({ queue: text, outlet: fc.constant(true) }),
    fc.record({ exchange: text, routingKey: fc.string({ unit: 'binary' }) }),
  ),
  dueAt: time,
  scheduledAt: time,
  expiresAt: maybe(time),
  revision: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  attempt: fc.integer({ min: 1, max: 9 }),
  headers: fc.dictionary(text, fc.jsonValue() as fc.Arbitrary<string>, { noNullPrototype: true }),
  priority: maybe(fc.integer({ min: 0, max: 4 })),
  correlationId: maybe(text),
  dedupeKey: maybe(text),
}) as fc.Arbitrary<DelayedMessage>

const stored = (message: DelayedMessage) => valueOf(message, tagOf(message))
const plain = ({ body, ...rest }: DelayedMessage) => ({
  ...(JSON.parse(JSON.stringify(rest)) as object),
  body: Buffer.from(body).toString('hex'),
})

test('any stored message is read unchanged', () => {
  fc.assert(
    fc.property(messages, (message) => {
      expect(plain(messageOf(stored(message)))).toEqual(plain(message))
    }),
  )
})

test('each message has its filter marks before its body', () => {
  fc.assert(
    fc.property(messages, (message) => {
      const value = stored(message)
      const head = value.subarray(0, value.indexOf('\n', 8))
      for (const mark of marksOf(message)) expect(head.includes(mark)).toBe(true)
    }),
  )
})

test.each([
  ['nothing', ''],
  ['less than a tag', 'abc'],
  ['no JSON', '12345678junk\nbody'],
  ['other JSON', '12345678{}\nbody'],
  ['no end of the JSON', '12345678[1,"queue:q","n","i",1,1,{}]'],
  ['a later format', '12345678[2,"queue:q","n","i",1,1,{}]\nbody'],
  ['a missing id', '12345678[1,"queue:q","n",7,1,1,{}]\nbody'],
])('%s cannot be read', (_, value) => {
  expect(() => messageOf(Buffer.from(value))).toThrow()
})
