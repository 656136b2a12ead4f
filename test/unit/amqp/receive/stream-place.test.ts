import { expect, it } from 'vitest'
import { StreamPlace } from '../../../../src/amqp/receive/stream-place.js'

const NOW = 1_800_000_000_000
const MINUTE = 60_000
const record = (offset: number, writtenAt: number | undefined = NOW) => ({ offset, writtenAt })
const from = (ms: number) => ({ '!': 'timestamp', value: ms / 1000 })

it('starts at its time, and again a minute before its last record, by the earlier of both clocks', () => {
  const place = new StreamPlace(NOW - 10 * MINUTE)
  expect(place.start()).toEqual(from(NOW - 10 * MINUTE))
  place.arrived(record(7, NOW - 2 * MINUTE), NOW)
  expect(place.start()).toEqual(from(NOW - 3 * MINUTE))
  place.arrived(record(8, NOW + 30 * MINUTE), NOW)
  expect(place.start()).toEqual(from(NOW - MINUTE))
})

it('never starts before its first time, nor before 1970', () => {
  const place = new StreamPlace(NOW)
  place.start()
  place.arrived(record(7, NOW - 30_000), NOW)
  expect(place.start()).toEqual(from(NOW))
  expect(new StreamPlace(-5).start()).toEqual(from(0))
})

it('a record without a time changes nothing about the next start', () => {
  const place = new StreamPlace(NOW)
  place.start()
  place.arrived({ offset: 7, writtenAt: undefined }, NOW + MINUTE)
  expect(place.start()).toEqual(from(NOW))
})

it('reads from the first record if a start by time has left records out', () => {
  const place = new StreamPlace(NOW)
  place.start()
  expect(place.arrived(record(7), NOW)).toBe(true)
  place.start()
  expect(place.arrived(record(10), NOW)).toBe(false)
  expect(place.hasReached(record(10))).toBe(false)
  expect(place.start()).toBe('first')
  // RabbitMQ may have trimmed the stream.
  expect(place.arrived(record(9), NOW)).toBe(true)
  expect(place.start()).toEqual(from(NOW))
})

it('does not read all again of a stream that goes on, repeats records, or was declared anew', () => {
  const place = new StreamPlace(NOW)
  for (const offset of [7, 8, 3, 0]) {
    place.start()
    expect(place.arrived(record(offset), NOW)).toBe(true)
  }
})

it('reads from the first record if a start by time gets nothing, though there is an end', () => {
  const place = new StreamPlace(NOW)
  place.start()
  expect(place.hasReached(record(3))).toBe(false)
  place.stalled()
  expect(place.start()).toBe('first')
  place.arrived(record(3), NOW)
  place.stalled()
  expect(place.start()).toEqual(from(NOW))
})

it('has reached an end that was written before its time, and one at its last record', () => {
  const place = new StreamPlace(NOW)
  place.start()
  expect(place.hasReached(record(3, NOW - 2 * MINUTE))).toBe(true)
  expect(place.hasReached(record(3, NOW - MINUTE))).toBe(false)
  expect(place.hasReached({ offset: 3, writtenAt: undefined })).toBe(false)
  place.arrived(record(3), NOW)
  expect([2, 3, 4].map((offset) => place.hasReached(record(offset)))).toEqual([true, true, false])
  expect(place.behind(record(5))).toBe(2)
})

it('has to reach the end again after each start', () => {
  const place = new StreamPlace(NOW)
  place.start()
  place.arrived(record(3), NOW)
  place.start()
  expect(place.hasReached(record(3))).toBe(false)
})
