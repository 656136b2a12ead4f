import { describe, expect, it, vi } from 'vitest'
import { DuequeError } from '../../../../src/base/errors.js'
import { silent } from '../../../../src/base/logger.js'
import { sumsFor, waitRangeFor } from '../../../../src/strategies/ladder/path.js'
import { routeFor } from '../../../../src/strategies/ladder/routes.js'
import { allRungs, type Rung } from '../../../../src/strategies/ladder/rungs.js'
import { WarmUp } from '../../../../src/strategies/ladder/warm-up.js'

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]

function world({ stepMs = 10, fails }: { stepMs?: number; fails?: DuequeError } = {}) {
  const ahead: { names: string[]; shard: number }[] = []
  const logger = { ...silent, info: vi.fn() }
  const declareAhead = (rungs: Generator<Rung>, { shard }: { shard: number }) => {
    ahead.push({ names: [...rungs].map(({ name }) => name), shard })
    return fails ? Promise.reject(fails) : Promise.resolve()
  }
  const warmUp = new WarmUp({ ahead: declareAhead }, logger, stepMs)
  const missed = (delayMs: number, shard = 0) => {
    const route = routeFor(
      waitRangeFor(delayMs, 0, () => 0),
      { type: 'quorum', shard },
    )
    warmUp.missed(route.queues, route.queues.length)
  }
  return { ahead, logger, warmUp, missed }
}

const namesOf = (...units: string[]) =>
  allRungs()
    .filter(({ unit }) => units.includes(unit.name))
    .map(({ name }) => name)

describe('WarmUp', () => {
  it.each([
    ['one delay, over and over', [MINUTE, MINUTE, MINUTE, MINUTE]],
    ['one delay of many rungs', [DAY + HOUR + MINUTE + SECOND, DAY + HOUR + MINUTE + SECOND]],
    ['two delays in a unit', [MINUTE, 2 * MINUTE, HOUR, 2 * HOUR, DAY, 2 * DAY]],
  ])('declares nothing in advance for %s', (_, delays) => {
    const { ahead, missed } = world()
    for (const delay of delays) missed(delay)
    expect(ahead).toEqual([])
  })

  it('declares a whole unit after its third missing rung, once', () => {
    const { ahead, missed } = world()
    for (const minutes of [5, 10, 30, 31, 32]) missed(minutes * MINUTE)
    expect(ahead).toEqual([{ names: namesOf('m'), shard: 0 }])
  })

  it('declares all units of a path of three rungs or more with the second message, rare rungs last', () => {
    const { ahead, missed } = world()
    missed(3 * DAY + 4 * HOUR + 5 * MINUTE + 6 * SECOND)
    missed(7 * DAY + 4 * HOUR + 9 * MINUTE + 10 * SECOND)
    expect(ahead).toHaveLength(1)
    const { names } = ahead[0]!
    expect(names.toSorted()).toEqual(namesOf('s', 'm', 'h', 'd').toSorted())
    expect(names.indexOf('32d')).toBe(59 + 59 + 23 + 31)
  })

  it('counts each shard by itself', () => {
    const { ahead, missed } = world()
    for (const minutes of [5, 10, 30]) missed(minutes * MINUTE, minutes % 2)
    expect(ahead).toEqual([])
    for (const minutes of [6, 8]) missed(minutes * MINUTE, 1)
    expect(ahead).toEqual([{ names: namesOf('m'), shard: 1 }])
  })

  it('leaves out the rungs that a lead does not use', () => {
    const { ahead, missed } = world({ stepMs: 100 })
    for (const tenths of [1, 2, 3]) missed(tenths * 100)
    expect(ahead[0]?.names).toEqual(Array.from({ length: 9 }, (_, i) => `${i + 1}00ms`))
  })

  it('declares nothing once it is stopped, and reports a missing permission once', async () => {
    const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'configure', resource: 'queue q' })
    const { ahead, logger, warmUp, missed } = world({ fails: denied })
    for (const minutes of [5, 10, 30]) missed(minutes * MINUTE)
    await vi.waitFor(() => expect(logger.info).toHaveBeenCalledOnce())
    warmUp.stop()
    for (const hours of [5, 10, 15]) missed(hours * HOUR)
    expect(ahead).toHaveLength(1)
  })
})

describe('sumsFor', () => {
  it.each([
    [3_599_990, 10, [3_599_990, HOUR]],
    [MINUTE + 5, 1000, [MINUTE + 10, MINUTE + SECOND]],
    [HOUR, 0, [HOUR]],
    [0, 10, []],
    [-5, 10, []],
  ])('rounds %d ms up, at most %d ms late, to %j', (delay, tolerance, sums) => {
    expect(sumsFor(delay, tolerance)).toEqual(sums)
  })
})
