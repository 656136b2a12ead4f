import { expect, it } from 'vitest'
import { HORIZONS, horizonFor } from '../../../src/log/horizons.js'

const NOW = 1_795_977_600_000
const HOUR = 3_600_000
const DAY = 24 * HOUR

it.each([
  ['1h', 1],
  ['1h', HOUR],
  ['8h', HOUR + 1],
  ['8h', 8 * HOUR],
  ['3d', 8 * HOUR + 1],
  ['30d', 3 * DAY + 1],
  ['1y', 30 * DAY + 1],
  ['10y', 365 * DAY + 1],
  ['10y', 3650 * DAY + 1],
  ['30d', 0],
  ['30d', -DAY],
])(
  'a record goes to the shortest horizon that covers the rest of the wait, or to 30d if that is over: %s',
  (name, rest) => {
    expect(horizonFor(NOW + rest, NOW).name).toBe(name)
  },
)

it('a record without a due time goes to 30d', () => {
  expect(horizonFor(undefined, NOW).name).toBe('30d')
})

it('a stream keeps its records for seven days longer than its horizon', () => {
  const unit = { h: HOUR, D: DAY } as const
  for (const { ms, maxAge } of HORIZONS) {
    const keptMs = parseInt(maxAge) * unit[maxAge.at(-1) as keyof typeof unit]
    expect(keptMs - ms).toBe(7 * DAY)
  }
})
