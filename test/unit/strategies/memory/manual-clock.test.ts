import { expect, it } from 'vitest'
import { manualClock } from '../../../../src/strategies/memory/manual-clock.js'
import { processorMs } from '../../processor-ms.js'
import { thrown } from '../../thrown.js'

it('stands still until it is moved', () => {
  const clock = manualClock(new Date(5000))
  expect(clock.now()).toBe(5000)
  clock.advance(10)
  clock.advance('2s')
  expect(clock.now()).toBe(7010)
})

it('starts now', () => {
  const before = Date.now()
  expect(manualClock().now()).toBeGreaterThanOrEqual(before)
})

it('makes the calls due in a move, in order of time and then of asking, each at its own time', () => {
  const clock = manualClock(0)
  const calls: [string, number][] = []
  const note = (name: string) => () => calls.push([name, clock.now()])
  clock.at(30, note('d'))
  clock.at(10, note('a'))
  clock.at(20, note('b'))
  clock.at(20, note('c'))
  clock.at(31, note('later'))
  clock.advance(30)
  expect(calls).toEqual([
    ['a', 10],
    ['b', 20],
    ['c', 20],
    ['d', 30],
  ])
})

it('makes a call that another call asks for in the same move, if it is due in it', () => {
  const clock = manualClock(0)
  const calls: number[] = []
  const tick = () => {
    calls.push(clock.now())
    clock.at(clock.now() + 10, tick)
  }
  clock.at(10, tick)
  clock.advance(35)
  expect([calls, clock.now()]).toEqual([[10, 20, 30], 35])
})

it('calls once, and not at all if cancelled', () => {
  const clock = manualClock(0)
  let calls = 0
  clock.at(1, () => calls++)
  const cancel = clock.at(2, () => (calls = NaN))
  clock.at(1, cancel)
  clock.advance(5)
  clock.advance(5)
  expect(calls).toBe(1)
})

it('calls for a past time in the next move, and does not go back for it', () => {
  const clock = manualClock(100)
  const times: number[] = []
  clock.at(50, () => times.push(clock.now()))
  expect(times).toEqual([])
  clock.advance(0)
  expect(times).toEqual([100])
})

it('does not go back when a call moves it further than the move that called', () => {
  const clock = manualClock(0)
  clock.at(5, () => clock.advance(100))
  clock.advance(10)
  expect(clock.now()).toBe(105)
})

it.each([-1, NaN, 'soon'])('refuses to move by %s', (by) => {
  const clock = manualClock(7)
  expect(thrown(() => clock.advance(by)).code).toBe('INVALID_DUE')
  expect(clock.now()).toBe(7)
})

it('reports the time of the next call', () => {
  const clock = manualClock(0)
  expect(clock.next()).toBe(Infinity)
  clock.at(20, () => undefined)
  const cancel = clock.at(10, () => undefined)
  expect(clock.next()).toBe(10)
  cancel()
  expect(clock.next()).toBe(20)
  clock.advance(20)
  expect(clock.next()).toBe(Infinity)
})

it('sets the wall clock alone, forward and back, reports it, and makes the calls due by it', () => {
  const clock = manualClock(10_000)
  const calls: (string | number)[] = []
  const remove = clock.onStep((ms) => calls.push(ms))
  clock.at(12_000, () => calls.push('due'))
  clock.at(15_000, () => calls.push('later'))
  clock.after(3000, () => calls.push('after'))
  clock.set(new Date(5000))
  expect([clock.now(), clock.monotonic(), clock.next()]).toEqual([5000, 10_000, 8000])
  clock.advance(3000)
  expect(calls).toEqual([-5000, 'after'])
  clock.set(new Date(12_000))
  expect([clock.now(), clock.monotonic(), clock.next()]).toEqual([12_000, 13_000, 15_000])
  expect(calls).toEqual([-5000, 'after', 4000, 'due'])
  remove()
  clock.set(new Date(20_000))
  expect(calls).toEqual([-5000, 'after', 4000, 'due', 'later'])
})

it('calls 200,000 in a time that grows with their number only', { timeout: 60_000 }, () => {
  const clock = manualClock(0)
  let calls = 0
  const before = processorMs()
  for (let n = 0; n < 200_000; n++) {
    const cancel = clock.at((n * 7919) % 200_000, () => calls++)
    if (n % 2 === 0) cancel()
  }
  clock.advance(200_000)
  expect(calls).toBe(100_000)
  expect(processorMs() - before).toBeLessThan(10_000)
})
