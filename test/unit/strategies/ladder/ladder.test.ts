import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryBroker } from '../../../../src/strategies/memory/memory-broker.js'
import { systemClock } from '../../../../src/base/clock.js'
import { silent } from '../../../../src/base/logger.js'
import { ladder } from '../../../../src/strategies/ladder/ladder.js'
import {
  defaultTolerance,
  longestLead,
  oddMsOf,
  waitRangeFor,
  type WaitRange,
} from '../../../../src/strategies/ladder/path.js'
import { routeFor } from '../../../../src/strategies/ladder/routes.js'
import { MAX_DELAY_MS } from '../../../../src/message/due.js'
import type { LadderOptions } from '../../../../src/index.js'
import { rejection, thrown } from '../../thrown.js'

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]

const rungsFor = (range: WaitRange) => routeFor(range, { type: 'quorum', shard: 0 }).queues.map(({ rung }) => rung)

describe('with a lead', () => {
  const names = (delayMs: number, leadMs: number) =>
    rungsFor(waitRangeFor(delayMs, leadMs, defaultTolerance))
      .map(({ name }) => name)
      .join(' ')
  it.each([
    [25, 25, ''],
    [149, 25, ''],
    [150, 25, '100ms'],
    [249, 25, '100ms'],
    [250, 25, '200ms'],
    [5000, 25, '900ms 4s'],
    [5049, 25, '900ms 4s'],
    [5050, 25, '5s'],
    [HOUR, 25, '900ms 59s 59m'],
    [5000, 500, '400ms 4s'],
    [1000, 1000, ''],
    [1050, 1000, ''],
    [1051, 1000, '1s'],
    [2050, 1000, '1s'],
    [2051, 1000, '2s'],
    [HOUR, 1000, '59s 59m'],
    [HOUR, 5000, '55s 59m'],
  ])('a delay of %d ms and a lead of %d ms take the rungs: %s', (delay, lead, expected) => {
    expect(names(delay, lead)).toBe(expected)
  })

  it('hands over early within the bounds of the lead, without rungs of 10 ms, and by whole seconds for a lead of 1 s or more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_DELAY_MS }), fc.integer({ min: 1, max: 10_000 }), (delay, lead) => {
        const rungs = rungsFor(waitRangeFor(delay, lead, defaultTolerance))
        const early = delay - rungs.reduce((sum, { ttlMs }) => sum + ttlMs, 0)
        expect(early).toBeLessThanOrEqual(rungs.length === 0 ? delay : longestLead(lead))
        expect(early).toBeGreaterThanOrEqual(Math.min(delay, lead + 25, 50))
        for (const { ttlMs } of rungs) expect(ttlMs % 100).toBe(0)
        if (lead >= 1000) expect(rungs.map(({ unit }) => unit.name)).not.toContain('ms')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('oddMsOf', () => {
  const oddMs = (delayMs: number, tolerance = defaultTolerance) => oddMsOf(waitRangeFor(delayMs, 0, tolerance))
  it.each([
    [-5, 0],
    [0, 0],
    [7, 7],
    [10, 0],
    [19, 9],
    [991, 0],
    [SECOND, 0],
    [1001, 1],
    [4237, 7],
    [4995, 0],
    [59_941, 0],
    [30 * MINUTE - 1, 0],
    [30 * MINUTE + 1, 1],
    [4000 * DAY, 0],
    [NaN, 0],
  ])('of a delay of %d ms, the sender waits %d ms itself', (delay, expected) => {
    expect(oddMs(delay)).toBe(expected)
  })

  it('makes the wait exact if it is more than zero, with no more rungs than without it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200_000 }), fc.nat(100), (delay, tolerance) => {
        const pathOf = (ms: number) => rungsFor(waitRangeFor(ms, 0, () => tolerance))
        const own = oddMs(delay, () => tolerance)
        if (own === 0) return
        const rungs = pathOf(delay - own)
        expect(own + rungs.reduce((sum, { ttlMs }) => sum + ttlMs, 0)).toBe(delay)
        expect(rungs.length).toBeLessThanOrEqual(pathOf(delay).length)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('ladder', () => {
  it.each<[LadderOptions, string]>([
    [{ queueType: 'stream' as 'quorum' }, 'queueType'],
    [{ shards: 0 }, 'shards'],
    [{ shards: 65 }, 'shards'],
    [{ shards: 1.5 }, 'shards'],
    [{ shards: NaN }, 'shards'],
  ])('refuses %o', (options, option) => {
    expect(thrown(() => ladder(options))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })

  it('waits up to 3650 days', () => {
    expect(ladder({ shards: 64, queueType: 'classic' }).limits.maxDelayMs).toBe(3650 * DAY)
  })

  it('refuses brokers other than RabbitMQ', async () => {
    const environment = { broker: new MemoryBroker(), clock: systemClock, logger: silent, onError: () => undefined }
    expect((await rejection(ladder().start(environment))).code).toBe('INVALID_OPTION')
  })
})
