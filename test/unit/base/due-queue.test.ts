import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Timeline } from '../../../src/base/clock.js'
import { DueQueue } from '../../../src/base/due-queue.js'
import { manualClock } from '../../../src/strategies/memory/manual-clock.js'

function queueOn(clock: Timeline) {
  const released: { item: string; at: number }[] = []
  const queue = new DueQueue<string>(clock, (item) => released.push({ item, at: clock.now() }))
  return { queue, released, names: () => released.map(({ item }) => item).join('') }
}

it('releases in due order, at the due time', () => {
  const clock = manualClock(0)
  const { queue, released } = queueOn(clock)
  for (const [item, until] of Object.entries({ c: 30, a: 10, b: 20 })) queue.add(item, until)
  clock.advance(9)
  expect(released).toEqual([])
  clock.advance(1)
  expect(released).toEqual([{ item: 'a', at: 10 }])
  clock.advance(50)
  expect(released.slice(1)).toEqual([
    { item: 'b', at: 20 },
    { item: 'c', at: 30 },
  ])
  expect(queue.size).toBe(0)
})

it('releases items with one due time in the order of adding', () => {
  const clock = manualClock(0)
  const { queue, names } = queueOn(clock)
  for (const item of 'abcdefghij'.match(/./g)!) queue.add(item, 10)
  clock.advance(10)
  expect(names()).toBe('abcdefghij')
})

it('releases everything once, stably sorted by due time and never early, whenever it is added', () => {
  const step = fc.record({ delay: fc.nat(20), advance: fc.oneof(fc.constant(0), fc.nat(15)) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const clock = manualClock(0)
      const released: { until: number; order: number; at: number }[] = []
      const queue = new DueQueue<{ until: number; order: number }>(clock, (item) =>
        released.push({ ...item, at: clock.now() }),
      )
      for (const [order, { delay, advance }] of steps.entries()) {
        const until = clock.now() + delay
        queue.add({ until, order }, until)
        clock.advance(advance)
        expect(queue.size + released.length).toBe(order + 1)
      }
      clock.advance(20)
      expect(released.map(({ order }) => order).sort((a, b) => a - b)).toEqual(steps.map((_, order) => order))
      for (const [i, { until, order, at }] of released.entries()) {
        expect(at).toBeGreaterThanOrEqual(until)
        const next = released[i + 1]
        if (!next) continue
        expect(next.until).toBeGreaterThanOrEqual(until)
        if (next.until === until) expect(next.order).toBeGreaterThan(order)
      }
    }),
    { numRuns: 100 },
  )
})

it('a timer that fires early releases nothing', () => {
  const timers: { time: number; callback: () => void }[] = []
  let now = 0
  const { queue, names } = queueOn({
    now: () => now,
    at: (time, callback) => {
      timers.push({ time, callback })
      return () => undefined
    },
  })
  queue.add('a', 100)
  now = 99
  timers.shift()!.callback()
  expect(names()).toBe('')
  now = 100
  timers.shift()!.callback()
  expect(names()).toBe('a')
  expect(timers).toEqual([])
})

it('items added during a release are released in their turn', () => {
  const clock = manualClock(0)
  let names = ''
  const queue: DueQueue<string> = new DueQueue(clock, (item) => {
    names += item
    if (item === 'a')
      for (const [added, until] of [
        ['c', 15],
        ['b', 5],
        ['d', 20],
      ] as const)
        queue.add(added, until)
  })
  queue.add('a', 10)
  queue.add('e', 30)
  clock.advance(30)
  expect(names).toBe('abcde')
})

it('waits with a single timer, for the earliest item', () => {
  const clock = manualClock(0)
  const live = new Set<number>()
  const counting: Timeline = {
    now: () => clock.now(),
    at: (time, callback) => {
      live.add(time)
      const cancel = clock.at(time, () => {
        live.delete(time)
        callback()
      })
      return () => {
        live.delete(time)
        cancel()
      }
    },
  }
  const { queue } = queueOn(counting)
  for (const until of [50, 40, 60, 30]) {
    queue.add(String(until), until)
    expect(live.size).toBe(1)
  }
  expect([...live]).toEqual([30])
  clock.advance(35)
  expect([...live]).toEqual([40])
  queue.clear()
  expect(live.size).toBe(0)
})

it('returns all items when cleared, releases none of them, and goes on', () => {
  const clock = manualClock(0)
  const { queue, names } = queueOn(clock)
  queue.add('a', 10)
  queue.add('b', 20)
  expect(queue.items().sort()).toEqual(['a', 'b'])
  expect(queue.clear().sort()).toEqual(['a', 'b'])
  clock.advance(30)
  expect([queue.size, names()]).toEqual([0, ''])
  queue.add('c', 40)
  clock.advance(10)
  expect(names()).toBe('c')
})
