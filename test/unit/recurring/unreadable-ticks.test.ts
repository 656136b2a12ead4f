import { expect, it } from 'vitest'
import { silent } from '../../../src/base/logger.js'
import { manualClock } from '../../../src/index.js'
import { UnreadableTicks } from '../../../src/recurring/unreadable-ticks.js'
import { arrivalOf } from './arrival.js'
import { settled, START } from './world.js'

function world(putOff: () => Promise<void> = () => Promise.resolve()) {
  const clock = manualClock(START)
  const log: string[] = []
  const noted = (what: string) => log.push(what)
  const ticks = new UnreadableTicks({
    ...{ clock, logger: silent },
    handOver: () => Promise.resolve(void noted('hand over')),
    putOff: (_, ms) => {
      noted(`put off ${ms}`)
      return putOff()
    },
  })
  const add = (...names: string[]) => {
    for (const name of names) ticks.add(arrivalOf(log, name))
  }
  const advance = async (ms: number) => {
    clock.advance(ms)
    await settled()
  }
  return { ticks, log, add, advance }
}

const HANDED_OVER = ['hand over', 'requeue a', 'requeue b']

it('gives them back behind a hand-over, after 30 s at first, and then after five minutes', async () => {
  const { log, add, advance } = world()
  add('a')
  await advance(10_000)
  add('b')
  await advance(19_999)
  expect(log).toEqual([])
  await advance(1)
  expect(log).toEqual(HANDED_OVER)
  // Nobody else has read them.
  add('a', 'b')
  await advance(299_999)
  expect(log).toEqual(HANDED_OVER)
  await advance(1)
  expect(log).toEqual([...HANDED_OVER, ...HANDED_OVER])
  await advance(1_800_001)
  add('a', 'b')
  await advance(30_000)
  expect(log.slice(6)).toEqual(HANDED_OVER)
})

it('hands over at once if there are more than a hundred, and then puts off those that come again', async () => {
  const { log, add, advance } = world()
  const names = Array.from({ length: 101 }, (_, n) => `${n}`)
  add(...names)
  await settled()
  expect(log).toEqual(['hand over', ...names.map((name) => `requeue ${name}`)])
  log.length = 0
  add(...names)
  await settled()
  expect(log).toEqual(['put off 60000', 'ack 100'])
  await advance(300_000)
  expect(log.slice(2)).toEqual(['hand over', ...names.slice(0, 100).map((name) => `requeue ${name}`)])
})

it('gives back those that cannot be put off, and begins nothing once it is closed', async () => {
  const { ticks, log, add, advance } = world(() => Promise.reject(new Error('away')))
  const names = Array.from({ length: 101 }, (_, n) => `${n}`)
  add(...names)
  await settled()
  add(...names)
  await settled()
  await advance(300_000)
  expect(log.filter((line) => line === 'requeue 100')).toHaveLength(2)
  expect(log.some((line) => line.startsWith('ack'))).toBe(false)
  log.length = 0
  add('a')
  ticks.close()
  await advance(300_000)
  expect(log).toEqual([])
})

it('does nothing more with what comes after it was closed', async () => {
  const { ticks, log, add, advance } = world()
  add('a')
  ticks.close()
  add('b')
  await advance(300_000)
  expect(log).toEqual([])
})
