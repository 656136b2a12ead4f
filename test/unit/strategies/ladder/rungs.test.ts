import { expect, it } from 'vitest'
import { Names } from '../../../../src/amqp/topology/names.js'
import { LadderNames } from '../../../../src/strategies/ladder/ladder-names.js'
import { endKey, rungKey, zeroKey } from '../../../../src/strategies/ladder/path-keys.js'
import { UNITS, allRungs, rungsOf, type RungVariant } from '../../../../src/strategies/ladder/rungs.js'
import { MAX_DELAY_MS } from '../../../../src/message/due.js'

const VARIANTS: RungVariant[] = (['quorum', 'classic'] as const).flatMap((type) =>
  [0, 1, 63].map((shard) => ({ type, shard })),
)

it.each([
  ['ms', 99, 10, 990],
  ['s', 59, 1000, 59_000],
  ['m', 59, 60_000, 3_540_000],
  ['h', 23, 3_600_000, 82_800_000],
  ['d', 99, 86_400_000, 8_553_600_000],
  ['c', 36, 8_640_000_000, 311_040_000_000],
])('the unit %s has %i rungs, from %i to %i ms', (name, count, first, last) => {
  const ttls = allRungs()
    .filter(({ unit }) => unit.name === name)
    .map(({ ttlMs }) => ttlMs)
  expect([ttls.length, ttls[0], ttls.at(-1)]).toEqual([count, first, last])
})

it.each([
  [[25, 0, 0, 0, 0, 0], '250ms'],
  [[0, 59, 0, 0, 0, 0], '59s'],
  [[0, 30, 1, 0, 0, 0], '30s 1m'],
  [[0, 0, 0, 23, 0, 0], '23h'],
  [[0, 0, 0, 0, 99, 1], '99d 100d'],
  [[99, 59, 59, 23, 49, 36], '990ms 59s 59m 23h 49d 3600d'],
  [[0, 0, 0, 0, 0, 0], ''],
])('the digits %j are the rungs: %s', (digits, names) => {
  expect(rungsOf(digits).map(({ name }) => name)).toEqual(names.split(' ').filter(Boolean))
})

it('there are 375 rungs, no two with the same time, and none longer than the broker accepts', () => {
  const ttls = allRungs().map(({ ttlMs }) => ttlMs)
  expect(ttls).toHaveLength(375)
  expect(new Set(ttls).size).toBe(375)
  expect(Math.max(...ttls)).toBeLessThanOrEqual(MAX_DELAY_MS)
})

it('a larger unit begins where the digits of the smaller units end', () => {
  for (const [i, { stepMs, top }] of UNITS.entries()) {
    const next = UNITS[i + 1]
    if (next) expect((top + 1) * stepMs).toBe(next.stepMs)
  }
})

it('no two rungs share a name, a queue or a key, whatever their type and shard', () => {
  const names = new LadderNames(new Names('dueque'))
  const all = VARIANTS.flatMap((variant) => allRungs().map((one) => [one, variant] as const))
  const keys = [...all.map(([one, variant]) => rungKey(one, variant)), ...UNITS.map(zeroKey), ...UNITS.map(endKey)]
  expect(new Set(allRungs().map(({ name }) => name)).size).toBe(375)
  expect(new Set(all.map(([one, variant]) => names.wait(one, variant))).size).toBe(375 * VARIANTS.length)
  expect(new Set(keys).size).toBe(375 * VARIANTS.length + 2 * UNITS.length)
})

it.each([
  ['30m', { type: 'quorum', shard: 0 }, 'dueque.v1.wait.30m', 'dq~30m'],
  ['300d', { type: 'quorum', shard: 0 }, 'dueque.v1.wait.300d', 'dq~300d'],
  ['30m', { type: 'classic', shard: 0 }, 'dueque.v1.wait.classic.30m', 'dq~30m~classic'],
  ['30m', { type: 'quorum', shard: 2 }, 'dueque.v1.wait.30m.2', 'dq~30m~2'],
  ['10ms', { type: 'classic', shard: 2 }, 'dueque.v1.wait.classic.10ms.2', 'dq~10ms~classic~2'],
] as const)('the rung %s as %j has the queue %s and the key %s', (name, variant, queue, key) => {
  const one = allRungs().find((rung) => rung.name === name)!
  expect([new LadderNames(new Names('dueque')).wait(one, variant), rungKey(one, variant)]).toEqual([queue, key])
})
