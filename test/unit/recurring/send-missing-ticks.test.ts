import { expect, it } from 'vitest'
import { sendMissingTicks } from '../../../src/recurring/send-missing-ticks.js'
import { definitionOf } from './definition-of.js'
import { handlingWorld, HOUR, START } from './world.js'

const DAY = 24 * HOUR
const hourly = definitionOf({ id: 'hourly', from: START + 60_000 })

function missing(
  { definitions, route, handled, logger }: ReturnType<typeof handlingWorld>,
  stopIf: () => void = () => undefined,
) {
  return sendMissingTicks({ definitions, route, handled, logger }, {}, stopIf)
}

it('sends the next tick of each schedule, but for paused ones and ticks of a later repair', async () => {
  const world = handlingWorld([
    hourly,
    definitionOf({ id: 'paused', paused: true }),
    definitionOf({ id: 'over', endsAt: START }),
    definitionOf({ id: 'daily', everyMs: DAY, from: START + 3 * HOUR }),
    definitionOf({ id: 'soon', everyMs: DAY, from: START + 2 * HOUR }),
  ])
  world.records.set('later', { id: 'later', revision: 1, definition: '{"format":2}' })
  expect(await missing(world)).toBe(2)
  expect(world.ids().sort()).toEqual(['hourly@2026-01-01T00:01:00.000Z#tick', 'soon@2026-01-01T02:00:00.000Z#tick'])
})

it('begins behind the last time that is handled, and forgets schedules that are gone', async () => {
  const world = handlingWorld([hourly])
  const { handled, ids } = world
  const last = { id: 'hourly', revision: hourly.revision, time: START + 60_000 }
  handled.add(last, last.time + HOUR)
  handled.add({ ...last, id: 'gone' }, last.time + HOUR)
  await missing(world)
  expect(ids()).toEqual(['hourly@2026-01-01T01:01:00.000Z#tick'])
  expect([handled.has(last), handled.has({ ...last, id: 'gone' })]).toEqual([true, false])
})

it('fails if one tick fails, or if it is to stop', async () => {
  const many = Array.from({ length: 500 }, (_, n) => definitionOf({ id: `m${n}` }))
  const failing = handlingWorld(many, () => {
    throw new Error('away')
  })
  await expect(missing(failing)).rejects.toThrow('away')
  const stopped = handlingWorld(many)
  let looks = 0
  const stopIf = () => {
    if (++looks > 100) throw new Error('enough')
  }
  await expect(missing(stopped, stopIf)).rejects.toThrow('enough')
  expect(stopped.ids().length).toBeLessThanOrEqual(100)
})
