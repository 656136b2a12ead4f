import { expect, test } from 'vitest'
import { delayKeyOf, LEVELS } from '../../../bench/peers/contestants/delay-key.js'

const zeros = (count: number) => '0.'.repeat(count)

test.each([
  ['no delay', 0, undefined, `${zeros(28)}orders`],
  ['a second', 1, 0, `${zeros(27)}1.orders`],
  ['two seconds', 2, 1, `${zeros(26)}1.0.orders`],
  ['five seconds', 5, 2, `${zeros(25)}1.0.1.orders`],
  ['the longest', 2 ** LEVELS - 1, 27, `${'1.'.repeat(28)}orders`],
])('%s enters at the highest level that it needs', (_, seconds, level, key) => {
  expect(delayKeyOf(seconds, 'orders')).toEqual({ level, key })
})

test.each([-1, 0.5, 2 ** LEVELS, NaN])('%s seconds are refused', (seconds) => {
  expect(() => delayKeyOf(seconds, 'orders')).toThrow('expected 0 to 268435455 whole seconds')
})
