import { expect, it } from 'vitest'
import type { Account } from '../../../examples/appointments/account.js'
import { comparison } from '../../../examples/appointments/comparison.js'
import { wayNames, type WayName } from '../../../examples/appointments/ways.js'

const account: Account = { scheduled: 3, delivered: 3, lost: 0, early: 0, duplicates: 1, lateness: [1, 12, 1034] }

it('compares every strategy of the demonstration in 80 columns, and says what was not tried', () => {
  const days = new Map(wayNames.map((way) => [way, account]))
  const lines = comparison(
    days,
    new Map<WayName, number>([
      ['ladder', 50],
      ['memory', 0],
    ]),
  ).split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  const rowOf = (way: WayName) =>
    lines
      .find((line) => line.startsWith(`  ${way} `))!
      .trim()
      .split(/ {2,}/)
  expect(rowOf('ladder')).toEqual(['ladder', 'RabbitMQ', '12 ms', '1034 ms', '0', '0', '1', '50 of 50'])
  expect(rowOf('memory').at(-1)).toBe('0 of 50')
  expect(rowOf('redis-expiry').at(-1)).toBe('not tried')
})
