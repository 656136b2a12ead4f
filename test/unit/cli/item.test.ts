import { expect, it } from 'vitest'
import { itemOfLine } from '../../../src/cli/item.js'

const options = { queue: 'q', in: '1d' }

it.each([
  ['{"data":1,"expiresin":"1h"}', 'expiresin: no such option; did you mean expiresIn?'],
  ['{"data":1,"in":null}', 'in: expected milliseconds or a duration, got null'],
  ['{"data":1,"headers":[]}', 'headers: expected an object, got an array'],
  ['{"data":1,"priority":"1"}', 'priority: expected a number, got "1"'],
  ['{"in":"1h"}', 'expected {"data": …} with a payload, unless --raw is given'],
  ['5', 'expected {"data": …} with a payload, unless --raw is given'],
  ['null', 'expected {"data": …} with a payload, unless --raw is given'],
])('the line %s is refused with the reason', (line, message) => {
  expect(() => itemOfLine(line, options, false)).toThrow(message)
})

it('a line may have any payload, and its own options', () => {
  const { message, payload, options: taken } = itemOfLine('{"data":null,"in":5,"name":"a"}', options, false)
  expect([message.name, payload, taken]).toMatchObject(['a', null, { in: 5, to: { queue: 'q' } }])
})
