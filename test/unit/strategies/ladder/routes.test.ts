import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { destinationKey } from '../../../../src/amqp/topology/names.js'
import { endKey, rungKey, zeroKey } from '../../../../src/strategies/ladder/path-keys.js'
import { defaultTolerance, waitRangeFor, type WaitRange } from '../../../../src/strategies/ladder/path.js'
import { routeFor, Routes } from '../../../../src/strategies/ladder/routes.js'
import { UNITS, type RungVariant } from '../../../../src/strategies/ladder/rungs.js'
import { MAX_DELAY_MS } from '../../../../src/message/due.js'
import { thrown } from '../../thrown.js'

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]

const quorum: RungVariant = { type: 'quorum', shard: 0 }
const rungsFor = (range: WaitRange) => routeFor(range, quorum).queues.map(({ rung }) => rung)

describe('the rungs of a route', () => {
  it.each([
    [-1, ''],
    [0, ''],
    [0.5, '10ms'],
    [1, '10ms'],
    [10, '10ms'],
    [11, '20ms'],
    [250, '250ms'],
    [980, '980ms'],
    [981, '990ms'],
    [990, '990ms'],
    [991, '1s'],
    [995, '1s'],
    [SECOND, '1s'],
    [1001, '10ms 1s'],
    [59_900, '900ms 59s'],
    [59_940, '940ms 59s'],
    [59_941, '1m'],
    [59_990, '1m'],
    [60 * SECOND, '1m'],
    [60_001, '10ms 1m'],
    [61 * SECOND, '1s 1m'],
    [90 * SECOND, '30s 1m'],
    [30 * MINUTE, '30m'],
    [HOUR - 1, '1h'],
    [HOUR, '1h'],
    [HOUR + 90 * SECOND, '30s 1m 1h'],
    [90 * MINUTE, '30m 1h'],
    [23 * HOUR + 59 * MINUTE + 59 * SECOND, '1d'],
    [24 * HOUR, '1d'],
    [36 * HOUR, '12h 1d'],
    [7 * DAY, '7d'],
    [7 * DAY - 1000, '7d'],
    [7 * DAY - 1001, '59s 59m 23h 6d'],
    [99 * DAY, '99d'],
    [100 * DAY, '100d'],
    [365 * DAY, '65d 300d'],
    [123 * DAY + 4 * HOUR + 5 * MINUTE + 6 * SECOND + 70, '7s 5m 4h 23d 100d'],
    [3600 * DAY, '3600d'],
    [3650 * DAY, '50d 3600d'],
  ])('%d ms take the rungs: %s', (delay, rungs) => {
    expect(
      rungsFor(waitRangeFor(delay, 0, defaultTolerance))
        .map(({ name }) => name)
        .join(' '),
    ).toBe(rungs)
  })

  // A consumer schedules again what arrives too early, and its due time may be forged.
  it.each([4000 * DAY, 9e15])('%d ms, over the limit, are refused or take existing rungs', (delay) => {
    let rungs: readonly unknown[] = []
    try {
      rungs = rungsFor(waitRangeFor(delay, 0, defaultTolerance))
    } catch (error) {
      expect(error).toMatchObject({ code: 'DELAY_OUT_OF_RANGE' })
    }
    expect(rungs).not.toContain(undefined)
  })

  it.each([0, -1, NaN, -Infinity])('a tolerance of %d means none', (tolerance) => {
    const [first, ...others] = rungsFor(waitRangeFor(59_990, 0, () => tolerance))
    expect([first?.name, others.length]).toEqual(['990ms', 1])
  })

  it('waits the delay and at most the tolerance more, with each unit once and the smallest first', () => {
    const delays = [1000, HOUR, 100 * DAY, MAX_DELAY_MS].map((max) => fc.integer({ min: 1, max }))
    fc.assert(
      fc.property(fc.oneof(...delays), (delay) => {
        const rungs = rungsFor(waitRangeFor(delay, 0, defaultTolerance))
        const waits = rungs.reduce((sum, { ttlMs }) => sum + ttlMs, 0)
        expect(waits).toBeGreaterThanOrEqual(delay)
        expect(waits).toBeLessThanOrEqual(delay + defaultTolerance(delay))
        const order = rungs.map(({ unit }) => UNITS.indexOf(unit))
        expect(order).toEqual([...new Set(order)].sort((a, b) => a - b))
      }),
    )
  })
})

describe('the keys of a route', () => {
  const keysFor = (delay: number, destination: string, variant = quorum) => [
    ...routeFor(waitRangeFor(delay, 0, defaultTolerance), variant).keys,
    destination,
  ]

  it.each([
    [0, 'dq~queue~q'],
    [250, 'dq~250ms dq~end~s dq~queue~q'],
    [30 * MINUTE, 'dq~30m dq~end~h dq~queue~q'],
    [90 * SECOND, 'dq~30s dq~1m dq~end~h dq~queue~q'],
    [DAY + 5 * SECOND, 'dq~5s dq~0m dq~0h dq~1d dq~end~c dq~queue~q'],
    [100 * DAY, 'dq~100d dq~queue~q'],
    [3650 * DAY, 'dq~50d dq~3600d dq~queue~q'],
    [301 * DAY, 'dq~1d dq~300d dq~queue~q'],
  ])('%d ms to a queue: %s', (delay, keys) => {
    expect(keysFor(delay, destinationKey({ queue: 'q' })).join(' ')).toBe(keys)
  })

  it('are short single words: one for each unit from the first rung to the last, the end, the destination', () => {
    const variants = fc.record({ type: fc.constantFrom('quorum', 'classic'), shard: fc.integer({ min: 0, max: 63 }) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_DELAY_MS }), variants, (delay, variant) => {
        const rungs = rungsFor(waitRangeFor(delay, 0, defaultTolerance))
        const destination = destinationKey({ queue: 'some.queue' })
        const keys = keysFor(delay, destination, variant)
        const last = UNITS.indexOf(rungs.at(-1)!.unit)
        const expected = UNITS.slice(UNITS.indexOf(rungs[0]!.unit), last + 1).map((unit) => {
          const one = rungs.find((rung) => rung.unit === unit)
          return one ? rungKey(one, variant) : zeroKey(unit)
        })
        const after = UNITS[last + 1]
        expect(keys).toEqual([...expected, ...(after ? [endKey(after)] : []), destination])
        // A topic exchange would read a dot as two words.
        for (const key of keys.slice(0, -1)) expect(key).toMatch(/^dq~[^.]{1,40}$/)
      }),
    )
  })
})

describe('Routes', () => {
  const ranges = fc.integer({ min: -10, max: 20_000 }).map((delay) => waitRangeFor(delay, 0, defaultTolerance))

  it('are the same when cached as when computed, however many there are', () => {
    const routes = new Routes('classic', 64)
    for (let sum = 10; sum < 110_000; sum += 10) routes.get({ leastMs: sum, toleranceMs: 0 }, 1, 0)
    fc.assert(
      fc.property(ranges, fc.integer({ min: 0, max: 63 }), (range, turn) => {
        expect(routes.get(range, turn, 0)).toEqual(routeFor(range, { type: 'classic', shard: turn }))
        expect(routes.get(range, turn, 0)).toBe(routes.get(range, turn + 64, 0))
      }),
    )
  })

  it('choose the shards of each rung by the time at which it is entered', () => {
    const routes = new Routes('quorum', 2)
    const keysOf = (turn: number, end: number) =>
      routes.get({ leastMs: 90 * MINUTE + 5 * SECOND, toleranceMs: 0 }, turn, end).rungKeys.join(' ')
    // The hour is entered at 0:00, the half hour at -0:30.
    expect(keysOf(0, HOUR)).toBe('dq~5s dq~30m~1 dq~1h')
    expect(keysOf(1, HOUR)).toBe('dq~5s~1 dq~30m~1 dq~1h')
    // At 0:30 and 0:00; at 1:00 and 0:30.
    expect(keysOf(0, 1.5 * HOUR)).toBe('dq~5s dq~30m dq~1h')
    expect(keysOf(0, 2 * HOUR)).toBe('dq~5s dq~30m~1 dq~1h~1')
  })

  it('refuse delays over the limit', () => {
    const over = { leastMs: MAX_DELAY_MS + 1, toleranceMs: 0 }
    expect(thrown(() => new Routes('quorum', 1).get(over, 0, 0))).toMatchObject({ code: 'DELAY_OUT_OF_RANGE' })
  })
})
