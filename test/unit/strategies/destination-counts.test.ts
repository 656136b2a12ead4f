import { expect, test } from 'vitest'
import { DestinationCounts } from '../../../src/strategies/destination-counts.js'

test('messages are counted by destination with their first and last time, and the keys of an exchange together', () => {
  const counts = new DestinationCounts()
  for (const at of [7, 3, 5]) counts.add({ queue: 'reminders' }, at)
  counts.add({ queue: 'reminders', outlet: true }, 9)
  for (const routingKey of ['a', 'b']) counts.add({ exchange: 'clinic', routingKey }, 4)
  expect(counts.all()).toEqual([
    { destination: { queue: 'reminders' }, messages: 3, from: 3, to: 7 },
    { destination: { queue: 'reminders', outlet: true }, messages: 1, from: 9, to: 9 },
    { destination: { exchange: 'clinic' }, messages: 2, from: 4, to: 4 },
  ])
})
