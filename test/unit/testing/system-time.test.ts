import { afterEach, expect, it, vi } from 'vitest'
import { START, world } from './world.js'

afterEach(() => {
  vi.useRealTimers()
})

it('sets the system time at each instant, including the first', async () => {
  const times: number[] = []
  const setSystemTime = (time: number) => times.push(time - START)
  const { schedule, clock } = await world(undefined, {}, { setSystemTime })
  for (const delay of [1000, 1000, 2000, 9000]) await schedule(1, delay)
  await clock.advance(5000)
  expect(times).toEqual([0, 1000, 2000, 5000])
})

it('sets Date as well, if a function for it is given', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { schedule, clock, log, note } = await world(
    () => note(`Date ${Date.now() - START}`),
    {},
    {
      setSystemTime: (time) => vi.setSystemTime(time),
    },
  )
  await schedule(1, '1h')
  await clock.advance('2h')
  expect(log).toEqual(['1@3600000', 'Date 3600000@3600000'])
  expect(new Date()).toEqual(new Date(START + 7_200_000))
})

it('works under fake timers', async () => {
  vi.useFakeTimers({ now: 0 })
  const { schedule, clock, log, close } = await world(
    ({ attempt }) => {
      if (attempt === 1) throw new Error('not yet')
    },
    { retry: { backoff: '1m' } },
  )
  await schedule(1, '1h')
  await clock.advance('2h')
  expect(log).toEqual(['1@3600000', '1@3660000'])
  await close()
  expect(vi.getTimerCount()).toBe(0)
})
