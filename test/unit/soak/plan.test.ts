import { expect, test } from 'vitest'
import { courseOf } from '../../../bench/soak/course.js'
import { isNemesis, planOf, type Nemesis, type ProcessFault } from '../../../bench/soak/plan.js'

const nemeses: Nemesis[] = ['kill-node', 'partition-one', 'memory-alarm']
const processFaults: ProcessFault[] = ['cut', 'kill', 'clock']
const options = { seconds: 120, every: 30, nemeses, processFaults, nodes: 3, producers: 2, consumers: 2 }

test('one seed makes one plan, in order and within the time, with a nemesis at regular times', () => {
  const plan = planOf({ ...options, seed: 1 })
  expect(planOf({ ...options, seed: 1 })).toEqual(plan)
  expect(planOf({ ...options, seed: 2 })).not.toEqual(plan)
  const times = plan.map(({ atSeconds }) => atSeconds)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(Math.max(...times)).toBeLessThanOrEqual(120)
  const hits = plan.filter(isNemesis)
  expect(hits.map(({ atSeconds }) => atSeconds)).toEqual([30, 60, 90])
  // Each of them once, before one comes again.
  expect(new Set(hits.map(({ does }) => does))).toEqual(new Set(nemeses))
})

test('only clocks that can be set are set', () => {
  const plan = planOf({ ...options, seed: 3, seconds: 1000, nemeses: [], processFaults: ['clock'] })
  expect(plan.length).toBeGreaterThan(50)
  for (const fault of plan) expect(fault).toMatchObject({ does: 'clock', seat: { index: 1 } })
})

test('one seed and number make one course; all courses occur', () => {
  const kinds = ['ladder', 'redis', 'postgres'] as const
  expect(JSON.stringify(courseOf(1, 5, kinds))).toBe(JSON.stringify(courseOf(1, 5, kinds)))
  const courses = Array.from({ length: 4000 }, (_, n) => courseOf(1, n, kinds))
  const seen = (of: (course: (typeof courses)[number]) => unknown) => new Set(courses.map(of))
  expect(seen(({ steps }) => steps.join()).size).toBe(8)
  for (const has of ['isBatched', 'isDeduped', 'isGated', 'isOperated'] as const) {
    expect(seen((course) => course[has] ?? false)).toEqual(new Set([false, true]))
  }
  for (const { isGated, isOperated, steps, deadReason } of courses) {
    if (isGated) expect(steps).toEqual(['return'])
    if (isOperated) expect([steps.at(-1), deadReason]).toEqual(['return', undefined])
  }
  expect(seen(({ deadReason }) => deadReason)).toEqual(
    new Set([undefined, 'handler-error', 'dead-lettered', 'expired']),
  )
  expect(seen(({ kind }) => kind)).toEqual(new Set(kinds))
  expect(seen(({ isBulk }) => isBulk).size).toBe(2)
  expect(seen(({ change }) => change?.does)).toEqual(new Set([undefined, 'cancel', 'reschedule']))
  expect(seen(({ kind, stays }) => `${kind} ${stays}`).size).toBe(6)
  const delays = courses.flatMap(({ delayMs, stays }) => (stays ? [] : [delayMs]))
  expect(Math.min(...delays)).toBeLessThan(100)
  expect(Math.max(...delays)).toBeGreaterThan(9_900)
  expect(seen((course) => course.kind).size).toBe(3)
  expect(new Set(Array.from({ length: 100 }, (_, n) => courseOf(1, n, ['ladder']).kind))).toEqual(new Set(['ladder']))
})
