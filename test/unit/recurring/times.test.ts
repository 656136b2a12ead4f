import { Cron } from 'croner'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { RecurringDefinition } from '../../../src/recurring/definition.js'
import { activeFrom, pausedAt, resumedAt } from '../../../src/recurring/pausing.js'
import { jittered, lastTimes, nextTime, tickDue, timesBetween, timesOfTick } from '../../../src/recurring/times.js'
import { definitionOf } from './definition-of.js'

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]
const NOW = Date.UTC(2026, 10, 23, 8)
/** A tick is at least so much ahead of its time. */
const LEAD = 61 * SECOND

const every = (everyMs: number, more: Partial<RecurringDefinition> = {}) =>
  definitionOf({ everyMs, from: NOW, since: NOW - 1, ...more })
const nextTimes = (definition: RecurringDefinition, n: number) => {
  const times: number[] = []
  for (let time = nextTime(definition, 0); time !== undefined && times.length < n; time = nextTime(definition, time))
    times.push(time)
  return times
}

describe('the next time', () => {
  it.each([
    ['is after the schedule was set', { since: NOW }, NOW + HOUR],
    ['is `from`, if it is later', { from: NOW + 5 }, NOW + 5],
    ['may be that of `until`', { until: NOW }, NOW],
    ['is none after `until`', { until: NOW - 1 }, undefined],
    ['is none after the last one of `limit`', { endsAt: NOW - 1, until: NOW + DAY }, undefined],
  ])('%s', (_, more, expected) => {
    expect(nextTime(every(HOUR, more), NOW - 1)).toBe(expected)
  })

  it('is none if the next one is more than ten years away', () => {
    const cron = definitionOf({ cron: '0 0 29 2 *', since: Date.UTC(2096, 1, 29) })
    expect(nextTime(cron, 0)).toBe(Date.UTC(2104, 1, 29))
    expect(nextTime(definitionOf({ cron: '0 0 30 2 *' }), 0)).toBeUndefined()
    expect(nextTime(definitionOf({ cron: '0 0 1 1 *' }), 8.64e15)).toBeUndefined()
  })
})

it('times between two instants include the first one, and those before the schedule was set or beyond its limit', () => {
  const definition = every(HOUR, { since: NOW + DAY, endsAt: NOW, until: NOW + 4 * HOUR })
  expect([...timesBetween(definition, NOW, NOW + 2 * HOUR)]).toEqual([NOW, NOW + HOUR])
  expect([...timesBetween(definition, NOW - DAY, NOW + 1)]).toEqual([NOW])
  expect([...timesBetween(definition, NOW + 3 * HOUR, NOW + DAY)]).toEqual([NOW + 3 * HOUR, NOW + 4 * HOUR])
  expect([...timesBetween(definitionOf({ cron: '@yearly' }), -8e15, 1)]).toEqual([0])
})

describe('a tick', () => {
  const daily = (catchUp: RecurringDefinition['catchUp'], more: Partial<RecurringDefinition> = {}) =>
    every(DAY, { catchUp, catchUpWindowMs: 7 * DAY, ...more })

  it.each(['once', 'all', 'none'] as const)('runs its time up to 10 s late (%s)', (catchUp) => {
    for (const now of [NOW - MINUTE, NOW, NOW + 10 * SECOND])
      expect(timesOfTick(daily(catchUp), NOW, now)).toEqual({ run: [NOW], next: NOW + DAY })
  })

  it.each([
    ['once', 10_001, [NOW], NOW + DAY],
    ['none', 10_001, [], NOW + DAY],
    ['all', 10_001, [NOW], NOW + DAY],
    ['once', 2.5 * DAY, [NOW + 2 * DAY], NOW + 3 * DAY],
    ['none', 2.5 * DAY, [], NOW + 3 * DAY],
    ['all', 2.5 * DAY, [NOW, NOW + DAY, NOW + 2 * DAY], NOW + 3 * DAY],
    // The last time is not missed yet.
    ['once', 2 * DAY + 5000, [NOW + DAY], NOW + 2 * DAY],
    ['none', 2 * DAY + 5000, [], NOW + 2 * DAY],
    ['all', 9.5 * DAY, [3, 4, 5, 6, 7, 8, 9].map((day) => NOW + day * DAY), NOW + 10 * DAY],
    ['once', 9.5 * DAY, [NOW + 9 * DAY], NOW + 10 * DAY],
  ] as const)('that runs %s is handled %d ms late', (catchUp, lateMs, run, next) => {
    expect(timesOfTick(daily(catchUp), NOW, NOW + lateMs)).toEqual({ run, next })
  })

  it('leaves out times that are missed by more than the window', () => {
    const weekly = (catchUp: 'once' | 'all', catchUpWindowMs: number) =>
      timesOfTick(every(7 * DAY, { catchUp, catchUpWindowMs }), NOW, NOW + 6 * DAY)
    for (const catchUp of ['once', 'all'] as const) {
      expect(weekly(catchUp, 6 * DAY)).toEqual({ run: [NOW], next: NOW + 7 * DAY })
      expect(weekly(catchUp, 6 * DAY - 1)).toEqual({ run: [], next: NOW + 7 * DAY })
      expect(weekly(catchUp, 0)).toEqual({ run: [], next: NOW + 7 * DAY })
    }
  })

  it('runs 1000 missed times at most, and the next tick goes on behind them', () => {
    const { run, next } = timesOfTick(every(SECOND, { catchUp: 'all', catchUpWindowMs: DAY }), NOW, NOW + HOUR)
    expect(run).toHaveLength(1000)
    expect(run.at(-1)).toBe(NOW + 999 * SECOND)
    expect(next).toBe(NOW + 1000 * SECOND)
  })

  it('finds the last of very many missed times', () => {
    const { run, next } = timesOfTick(
      definitionOf({ cron: '* * * * * *', since: NOW - 1, catchUpWindowMs: 3650 * DAY }),
      NOW,
      NOW + 1000 * DAY,
    )
    expect({ run, next }).toEqual({ run: [NOW + 1000 * DAY - 11 * SECOND], next: NOW + 1000 * DAY - 10 * SECOND })
  })

  it('is the last one of a schedule that has ended', () => {
    expect(timesOfTick(daily('once', { endsAt: NOW }), NOW, NOW)).toEqual({ run: [NOW], next: undefined })
    expect(timesOfTick(daily('once', { endsAt: NOW + DAY }), NOW, NOW + 9.5 * DAY)).toEqual({
      run: [],
      next: undefined,
    })
    expect(timesOfTick(daily('once', { endsAt: NOW + 5 * DAY }), NOW, NOW + 9.5 * DAY)).toEqual({
      run: [NOW + 5 * DAY],
      next: undefined,
    })
  })
})

describe('the window of a tick', () => {
  const ids = Array.from({ length: 300 }, (_, i) => `s${i}`)

  it.each([
    ['every second', every(SECOND)],
    ['every 7 s', every(7 * SECOND)],
    ['every 100 s, without from', { ...every(100 * SECOND), from: undefined }],
    ['every 4 minutes', every(4 * MINUTE)],
    ['each minute', definitionOf({ cron: '* * * * *' })],
    ['two minutes of a day', definitionOf({ cron: '0,1 9 * * *' })],
  ])('%s: ticks leave no time out, repeat none, and none of their occurrences is more than 361 s ahead', (_, one) => {
    for (const id of ids.slice(0, 20)) {
      const definition = { ...one, id } as RecurringDefinition
      const run: number[] = []
      let tick = nextTime(definition, NOW)!
      for (let n = 0; n < 8; n++) {
        const now = tickDue(definition, tick)
        const times = timesOfTick(definition, tick, now)
        expect(times.run.at(-1)! - now).toBeLessThanOrEqual(LEAD + 5 * MINUTE)
        run.push(...times.run)
        tick = times.next!
      }
      expect(run).toEqual([...timesBetween(definition, NOW + 1, tick)])
    }
  })

  it('is the same wherever one begins, so that chains come together again', () => {
    for (const id of ids) {
      const definition = every(SECOND, { id })
      const { run, next } = timesOfTick(definition, NOW + HOUR, NOW + HOUR - LEAD)
      for (const time of [run[run.length >> 1]!, run.at(-1)!])
        expect(timesOfTick(definition, time, time - LEAD)).toEqual({ run: run.slice(run.indexOf(time)), next })
    }
  })

  it('holds several times in one tick: on average those of 240 s', () => {
    const ticks = ids.map((id) => {
      const definition = definitionOf({ id, everyMs: 100 * SECOND })
      let [count, time] = [0, nextTime(definition, NOW)!]
      for (; time < NOW + DAY; count++) time = timesOfTick(definition, time, time - LEAD).next!
      return count
    })
    for (const count of ticks) expect(Math.abs(count - DAY / (240 * SECOND))).toBeLessThanOrEqual(1)
  })

  it('ends where a tick that is too early would schedule what a change does not cancel', () => {
    const { run, next } = timesOfTick(every(SECOND), NOW + HOUR, NOW + HOUR - 5.9 * MINUTE)
    expect([run.length, next]).toEqual([7, NOW + HOUR + 7 * SECOND])
    expect(timesOfTick(every(SECOND), NOW + HOUR, NOW)).toEqual({ run: [NOW + HOUR], next: NOW + HOUR + SECOND })
  })
})

describe('ticks', () => {
  it.each([
    [SECOND, 250],
    [HOUR, 5 * MINUTE],
    [4 * MINUTE, MINUTE],
    [365 * DAY, 5 * MINUTE],
  ])('of every %d ms are due 61 s and up to %d ms ahead, spread by the id', (everyMs, spreadMs) => {
    const leads = Array.from({ length: 300 }, (_, i) => NOW - tickDue(every(everyMs, { id: `s${i}` }), NOW))
    expect(Math.min(...leads)).toBeGreaterThanOrEqual(LEAD)
    expect(Math.min(...leads)).toBeLessThan(LEAD + spreadMs * 0.1)
    expect(Math.max(...leads)).toBeLessThan(LEAD + spreadMs)
    expect(Math.max(...leads)).toBeGreaterThan(LEAD + spreadMs * 0.9)
    expect(leads[7]).toBe(NOW - tickDue(every(everyMs, { id: 's7' }), NOW))
  })

  it.each([100 * SECOND, 7 * MINUTE, HOUR])('of many schedules of every %d ms are spread evenly', (everyMs) => {
    const dues = Array.from({ length: 3000 }, (_, i) => {
      const definition = definitionOf({ id: `s${i}`, everyMs })
      return tickDue(definition, nextTime(definition, NOW)!)
    })
    const inPart = (part: number) =>
      dues.filter((due) => Math.floor((due - NOW + LEAD) / (everyMs / 20)) === part).length
    // 150 on average.
    for (let part = 0; part < 20; part++) expect(Math.abs(inPart(part) - 150)).toBeLessThan(75)
  })

  it('of the last time of a schedule are ahead as well', () => {
    const due = tickDue(every(SECOND, { endsAt: NOW }), NOW)
    expect(NOW - due).toBeGreaterThanOrEqual(LEAD)
    expect(NOW - due).toBeLessThan(LEAD + 5 * MINUTE)
  })
})

it('jitter is from 0 to its length, by id and time', () => {
  const delays = Array.from(
    { length: 300 },
    (_, i) => jittered(every(DAY, { jitterMs: 9 }), NOW + i * DAY) - NOW - i * DAY,
  )
  expect([...new Set(delays)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(jittered(every(DAY), NOW)).toBe(NOW)
})

describe('limit', () => {
  it.each([{ cron: '0 0 * * MON-FRI' }, { everyMs: DAY }])('ends %j with its last time', (rule) => {
    const active = activeFrom(definitionOf({ ...rule, limit: 3 }), NOW)
    const [first, second, last] = nextTimes(definitionOf({ ...rule, since: NOW }), 3)
    expect(nextTimes(active, 10)).toEqual([first, second, last])
    expect(active.endsAt).toBe(last)
  })

  it('counts from `from` on', () => {
    const active = activeFrom(every(DAY, { from: NOW + 5 * DAY, limit: 2 }), NOW)
    expect(nextTimes(active, 10)).toEqual([NOW + 5 * DAY, NOW + 6 * DAY])
  })

  it('ends with `until`, if that is earlier', () => {
    expect(activeFrom(every(DAY, { limit: 100, until: NOW + DAY }), NOW).endsAt).toBe(NOW + DAY)
    expect(activeFrom(every(DAY, { limit: 2, until: NOW + 9 * DAY }), NOW - 1).endsAt).toBe(NOW + DAY)
    expect(activeFrom(every(DAY, { until: NOW + DAY }), NOW).endsAt).toBe(NOW + DAY)
    expect(activeFrom(every(DAY), NOW).endsAt).toBeUndefined()
  })

  it('that lasts longer than a century does not end the schedule', () => {
    expect(activeFrom(definitionOf({ cron: '@yearly', limit: 1000 }), NOW).endsAt).toBeUndefined()
    expect(activeFrom(definitionOf({ cron: '@yearly', limit: 90 }), NOW).endsAt).toBe(Date.UTC(2026 + 90, 0))
  })

  it('leaves out pauses, and counts what was over before them', () => {
    const set = activeFrom(every(DAY, { limit: 5 }), NOW - 1)
    const paused = pausedAt(set, NOW + 1.5 * DAY)
    expect(paused).toMatchObject({ paused: true, counted: 2 })
    expect(paused.endsAt).toBeUndefined()
    expect(pausedAt(paused, NOW + 3 * DAY)).toBe(paused)
    const resumed = resumedAt(paused, NOW + 9.5 * DAY)
    expect(nextTimes(resumed, 10)).toEqual([10, 11, 12].map((day) => NOW + day * DAY))
    expect(resumedAt(resumed, NOW + 20 * DAY)).toBe(resumed)
    const again = resumedAt(pausedAt(resumed, NOW + 11 * DAY), NOW + 11.2 * DAY)
    expect(again.counted).toBe(4)
    expect(nextTimes(again, 10)).toEqual([NOW + 12 * DAY])
  })

  it('is over after a pause at its end', () => {
    const paused = pausedAt(activeFrom(every(DAY, { limit: 2 }), NOW - 1), NOW + 9 * DAY)
    expect(paused.counted).toBe(2)
    expect(nextTimes(resumedAt(paused, NOW + 10 * DAY), 10)).toEqual([])
  })

  it('of a schedule without one, nothing is counted', () => {
    expect(pausedAt(every(DAY), NOW + 9 * DAY).counted).toBe(0)
  })
})

describe('the last times', () => {
  it.each([
    ['of an interval', every(HOUR, { from: NOW - DAY }), [NOW - HOUR, NOW - 2 * HOUR, NOW - 3 * HOUR]],
    ['of a short interval', every(SECOND, { from: NOW - DAY }), [NOW - SECOND, NOW - 2 * SECOND, NOW - 3 * SECOND]],
    ['are fewer, where it began shortly before', every(HOUR, { from: NOW - 2 * HOUR }), [NOW - HOUR, NOW - 2 * HOUR]],
    ['are none before it began', every(HOUR, { from: NOW }), []],
    [
      'end with `until`',
      every(HOUR, { from: NOW - DAY, until: NOW - 5 * HOUR - 1 }),
      [6, 7, 8].map((h) => NOW - h * HOUR),
    ],
    [
      'of a leap day, within ten years',
      definitionOf({ cron: '0 0 29 2 *' }),
      [2024, 2020].map((y) => Date.UTC(y, 1, 29)),
    ],
  ])('%s', (_, definition, times) => {
    expect(lastTimes(definition, NOW, 3)).toEqual(times)
  })

  it('of a pattern that never runs are searched for once, as are its next ones: that takes a third of a second', () => {
    const nextRun = vi.spyOn(Cron.prototype, 'nextRun')
    onTestFinished(() => nextRun.mockRestore())
    const definition = definitionOf({ cron: '0 0 31 4,6 *', since: NOW - 1 })
    for (let hour = 0; hour < 3; hour++) {
      expect(lastTimes(definition, NOW + hour * HOUR, 3)).toEqual([])
      expect(nextTime(definition, NOW + hour * HOUR)).toBeUndefined()
    }
    expect(nextRun).toHaveBeenCalledOnce()
  })
})
