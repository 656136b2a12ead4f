import { expect, it } from 'vitest'
import { manualClock } from '../../../../src/index.js'
import { StoreClock } from '../../../../src/strategies/store/store-clock.js'

const HOUR = 3_600_000

/** A machine whose clock is behind that of its store by `skewMs`. */
function machine(skewMs: number) {
  const clock = manualClock(1_000_000)
  const time = new StoreClock(clock)
  let storeAhead = skewMs
  const store = () => clock.monotonic() + storeAhead
  const ask = (thereMs: number, backMs: number) => {
    const askedAt = clock.monotonic()
    clock.advance(thereMs)
    const now = store()
    clock.advance(backMs)
    time.answered(now, askedAt)
  }
  return { clock, time, store, ask, setStore: (ms: number) => (storeAhead += ms) }
}

it('is the time of this machine until the store answers', () => {
  const { clock, time } = machine(HOUR)
  expect(time.now()).toBe(clock.now())
})

it.each([-HOUR, 0, HOUR])(
  'is never ahead of a store whose clock differs by %d ms, and as close as the fastest answer allows',
  (skew) => {
    const { clock, time, store, ask } = machine(skew)
    ask(20, 80)
    expect(store() - time.now()).toBe(80)
    ask(20, 2)
    expect(store() - time.now()).toBe(2)
    ask(900, 900)
    clock.advance(HOUR)
    expect(store() - time.now()).toBe(2)
    expect(time.monotonicAt(store() + 500) - clock.monotonic()).toBe(502)
  },
)

it.each([-HOUR, HOUR])('follows the clock of the store when it is set by %d ms, and not that of this machine', (ms) => {
  const { clock, time, store, ask, setStore } = machine(0)
  ask(1, 1)
  clock.set(new Date(clock.now() + ms))
  expect(store() - time.now()).toBe(1)
  setStore(ms)
  ask(1, 3)
  expect(store() - time.now()).toBe(3)
})
