import { expect, it } from 'vitest'
import { Starts } from '../../../src/strategies/starts.js'

it('a start is over once its strategy was stopped, or started anew', () => {
  const starts = new Starts('ladder')
  const first = starts.begin()
  expect(first()).toBe(false)
  starts.stop()
  expect(first()).toBe(true)
  const second = starts.begin()
  expect([first(), second()]).toEqual([true, false])
  const third = starts.begin()
  expect([second(), third()]).toEqual([true, false])
})
