import { expect, test } from 'vitest'
import type { WaitingRow } from '../../../../src/dashboard/api.js'
import { stepsOf } from '../../../../src/dashboard/ui/ladder/steps.js'
import { binsOf, isLabelled, placeOfBar } from '../../../../src/dashboard/ui/overview/bins.js'
import {
  fullDestination,
  isEmptySearch,
  searchIn,
  searchOf,
  typedOf,
} from '../../../../src/dashboard/ui/waiting/search-fields.js'
import { BY_TIME, orderAfter, sortRows } from '../../../../src/dashboard/ui/waiting/sort-rows.js'

test('the timeline has a bar for each unit, those without messages too', () => {
  const counts = [{ from: '2026-11-30T08:01:00.000Z', count: 5 }]
  const bins = binsOf({ unit: 'minute', from: '2026-11-30T08:00:12Z', to: '2026-11-30T08:03:00Z', counts })
  expect(bins.map(({ count }) => count)).toEqual([0, 5, 0])
  expect(new Date(bins[0]!.from).toISOString()).toBe('2026-11-30T08:00:00.000Z')
  expect(bins[1]!.from).toBe(bins[0]!.to)
})

test('a bar that has the focus is the same when another minute has begun, and the first if it is over', () => {
  const bin = (from: number) => ({ from, to: from + 60_000, count: 0 })
  const bins = [bin(60_000), bin(120_000)]
  expect([120_000, 60_000, 0, undefined].map((from) => placeOfBar(bins, from))).toEqual([1, 0, 0, 0])
})

test('bars of round times are labelled', () => {
  const bin = (time: string) => ({ from: new Date(`2026-11-30T${time}`).getTime(), to: 0, count: 0 }) // in the viewer's zone
  const minutes = ['08:00', '08:01', '08:10'].map((time) => isLabelled(bin(time), 'minute'))
  const hours = ['08:00', '09:00', '12:00'].map((time) => isLabelled(bin(time), 'hour'))
  expect([minutes, hours]).toEqual([
    [true, false, true],
    [true, false, true],
  ])
  expect(isLabelled(bin('09:00'), 'day')).toBe(true)
})

test('the search of an address has its known fields', () => {
  const search = searchOf(new URLSearchParams('id=a&name=&from=2026-11-30T08:00:00Z&message=m'))
  expect(search).toEqual({ id: 'a', from: '2026-11-30T08:00:00Z' })
  expect([isEmptySearch(search), isEmptySearch({})]).toEqual([false, true])
})

test('a destination without its kind is a queue', () => {
  const typed = ['reminders', ' reminders ', 'exchange:a/b', 'queue:', '']
  expect(typed.map(fullDestination)).toEqual(['queue:reminders', 'queue:reminders', 'exchange:a/b', 'queue:', ''])
})

test('what is typed becomes a search, and an instant that was not typed stays to the millisecond', () => {
  const before = { from: '2026-10-25T01:30:00.500Z', to: '2026-10-25T02:00:00.000Z' }
  const shown = typedOf(before)
  const to = '2026-11-30T09:00:00'
  expect(searchIn({ ...shown, name: 'n', header: 'half' }, before)).toEqual({ ...before, name: 'n' })
  expect(searchIn({ ...shown, to }, before)).toEqual({ from: before.from, to: new Date(to).toISOString() })
  expect(searchIn({ ...shown, from: '', destination: 'q' }, before)).toEqual({ to: before.to, destination: 'queue:q' })
})

test('a click on the head of a column sorts by it, a second one the other way round', () => {
  const row = (id: string, attempt: number) => ({ id, attempt, readyAt: '2026-11-30T08:00:00Z' }) as WaitingRow
  const rows = [row('b', 1), row('a', 10), row('c', 2)]
  const byId = orderAfter(BY_TIME, 'id')
  expect(sortRows(rows, byId).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  expect(sortRows(rows, orderAfter(byId, 'id')).map(({ id }) => id)).toEqual(['c', 'b', 'a'])
  expect(sortRows(rows, orderAfter(byId, 'attempt')).map(({ attempt }) => attempt)).toEqual([1, 2, 10])
  expect(orderAfter(orderAfter(byId, 'id'), 'id')).toEqual(byId)
})

test('the steps of the staircase are the units of the rungs, smallest first', () => {
  const rung = (name: string, ttlMs: number, messages = 1) => ({ rung: name, ttlMs, messages, backedUp: false })
  const steps = stepsOf([
    rung('990ms', 990),
    rung('1s', 1000),
    rung('59m', 3_540_000, 3),
    rung('1h', 3_600_000, 0),
    rung('99d', 99 * 86_400_000),
    rung('100d', 8_640_000_000),
  ])
  expect(steps.map(({ unit, messages }) => [unit, messages])).toEqual([
    ['ms', 1],
    ['s', 1],
    ['m', 3],
    ['h', 0],
    ['d', 1],
    ['c', 1],
  ])
  // Rungs without messages are no bricks.
  expect(steps[3]!.rungs).toEqual([])
})
