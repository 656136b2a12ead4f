import { expect, test } from 'vitest'
import { courseOf, deadReasonOf } from '../../../bench/soak/course.js'
import { planOf } from '../../../bench/soak/plan.js'

const options = { seconds: 120, killEvery: 30, nodes: 3, producers: 2, consumers: 2 }

test('one seed makes one plan, in order and within the time, with regular kills of nodes', () => {
  const plan = planOf({ ...options, seed: 1 })
  expect(planOf({ ...options, seed: 1 })).toEqual(plan)
  expect(planOf({ ...options, seed: 2 })).not.toEqual(plan)
  const times = plan.map(({ atSeconds }) => atSeconds)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(Math.max(...times)).toBeLessThanOrEqual(120)
  const kills = plan.filter(({ does }) => does === 'kill-node')
  expect(kills.map(({ atSeconds }) => atSeconds)).toEqual([30, 60, 90])
})

test('one seed and number make one course; all courses occur', () => {
  expect(courseOf(1, 5)).toEqual(courseOf(1, 5))
  const courses = Array.from({ length: 2000 }, (_, n) => courseOf(1, n))
  expect(new Set(courses.map(({ steps }) => steps.join())).size).toBe(6)
  expect(new Set(courses.map(deadReasonOf))).toEqual(new Set([undefined, 'handler-error', 'dead-lettered', 'expired']))
  const delays = courses.map(({ delayMs }) => delayMs)
  expect(Math.min(...delays)).toBeLessThan(100)
  expect(Math.max(...delays)).toBeGreaterThan(9_900)
})
