import { expect, it } from 'vitest'
import { readTick, tickOf } from '../../../src/recurring/tick.js'
import { bookmarkOf, helloOf, readMark } from '../../../src/recurring/ticker-marks.js'
import { definitionOf } from './definition-of.js'
import { handlingWorld, HOUR, START, TICKS } from './world.js'

it('a tick is read as it was written, and so are the marks of tickers', () => {
  const { route } = handlingWorld([])
  const tick = tickOf(definitionOf({ id: 'ä"\n', revision: 1_767_225_600_000_123 }), START + HOUR, route)
  expect(tick.id).toBe('ä"\n@2026-01-01T01:00:00.000Z#tick')
  expect(readTick(tick)).toEqual({ id: 'ä"\n', revision: 1_767_225_600_000_123, time: START + HOUR })
  expect(readTick(tickOf(definitionOf({}), START, route, true))).toMatchObject({ time: START, again: true })
  expect(readMark(tick)).toBeUndefined()
  expect(readMark(bookmarkOf(START, TICKS, START + 1))).toEqual({ kind: 'bookmark', repairedAt: START })
  expect(readMark(helloOf(TICKS, START))).toEqual({ kind: 'hello' })
  expect([bookmarkOf(START, TICKS, START), helloOf(TICKS, START)].map(readTick)).toEqual([undefined, undefined])
})

it('a tick waits no longer than its strategy can', () => {
  const { route, strategy } = handlingWorld([])
  const short = { ...route, strategy: { ...strategy, limits: { ...strategy.limits, maxDelayMs: 1000 } } }
  expect(tickOf(definitionOf({}), START + HOUR, short).dueAt).toBe(START + 1000)
})

it.each(['', 'tick', 'null', '[]', '{}', '{"id":"a","revision":1}', '{"format":2,"id":"a","revision":1,"time":2}'])(
  'the body %j is neither tick nor mark',
  (text) => {
    const body = Buffer.from(text)
    expect([readTick({ body }), readMark({ body })]).toEqual([undefined, undefined])
  },
)
