import { expect, test } from 'vitest'
import { minuteRates } from '../../../../src/dashboard/looks/minute-rates.js'
import type { Lateness } from '../../../../src/operate/watch/lateness.js'
import type { Rates } from '../../../../src/operate/watch/rates.js'

type Look = Parameters<typeof minuteRates>[0]
const rates: Rates = { overSeconds: 60, source: 'management', scheduled: 2, delivered: 1, waiting: 1 }
const probe: Lateness = {
  ...{ source: 'probe', overSeconds: 30, messages: 5, p50Ms: 1, p99Ms: 1, queues: [], problems: [] },
}
const of = (more: Partial<Look>, change?: number | null) =>
  minuteRates({ rates, lateness: null, ...more } as Look, change)

test('rates are by minute', () => {
  expect(of({})).toEqual({ delivered: 60, scheduled: 120 })
})

test('messages of the probe are not counted, but for exporters, which do not see them', () => {
  expect(of({ lateness: probe })).toEqual({ delivered: 50, scheduled: 110 })
  expect(of({ lateness: { ...probe, messages: 50 } })).toEqual({ delivered: 0, scheduled: 20 })
  expect(of({ lateness: { ...probe, source: 'metrics' } })).toEqual({ delivered: 60, scheduled: 120 })
})

test('of a store, schedules are known by the change of its messages', () => {
  expect(of({}, 30)).toEqual({ delivered: 60, scheduled: 90 })
  expect(of({}, -100)).toEqual({ delivered: 60, scheduled: 0 })
  expect(of({}, null)).toEqual({ delivered: 60, scheduled: null })
})

test('what is not known is null', () => {
  const unknown = { delivered: null, scheduled: null }
  expect(of({ rates: null })).toEqual(unknown)
  expect(of({ rates: { ...rates, source: 'counts', scheduled: null, delivered: null } })).toEqual(unknown)
})
