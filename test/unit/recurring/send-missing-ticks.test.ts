import { expect, it } from 'vitest'
import { DuequeError } from '../../../src/index.js'
import { sendMissingTicks } from '../../../src/recurring/send-missing-ticks.js'
import { definitionOf } from './definition-of.js'
import { handlingWorld, HOUR, START } from './world.js'

const DAY = 24 * HOUR
const hourly = definitionOf({ id: 'hourly', from: START + 60_000 })

function missing(
  { definitions, route, handled, logger, errors }: ReturnType<typeof handlingWorld>,
  stopIf: () => void = () => undefined,
) {
  const onError = (error: DuequeError) => void errors.push(error)
  return sendMissingTicks({ definitions, route, handled, logger, onError }, {}, stopIf)
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
  expect(await missing(world)).toEqual({ sent: 2, waiting: 1 })
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

it('begins with the next time where a definition is lost, since waiting occurrences are lost with it', async () => {
  const world = handlingWorld([{ ...hourly, everyMs: 60_000 }])
  const { definitions, handling, handled, ids } = world
  const tick = { id: 'hourly', revision: hourly.revision, time: START + 60_000 }
  definitions.renew = (lost) => Promise.resolve(lost!('hourly'))
  await handling.run({ live: true }, tick)
  const before = ids().length
  await missing(world)
  expect(ids().slice(before)).toEqual(['hourly@2026-01-01T00:01:00.000Z#tick'])
  expect(handled.has(tick)).toBe(false)
})

it('sends the ticks that were passed over while the clock was ahead', async () => {
  const world = handlingWorld([hourly, definitionOf({ id: 'over', from: START, endsAt: START + 2 * HOUR })])
  const { clock, handling, ids } = world
  clock.set(new Date(START + DAY))
  const tick = (id: string, time: number) => handling.run({ live: true }, { id, revision: 7, time })
  await tick('hourly', START + 60_000)
  await tick('over', START)
  clock.set(new Date(START + 10 * 60_000))
  const before = ids().length
  await missing(world)
  expect(ids().slice(before).sort()).toEqual([
    'hourly@2026-01-01T01:01:00.000Z#tick',
    'over@2026-01-01T01:00:00.000Z#tick',
  ])
  // They are handled as any other.
  clock.advance(HOUR)
  await tick('hourly', START + HOUR + 60_000)
  expect(ids().slice(-2)).toEqual(['hourly@2026-01-01T01:01:00.000Z', 'hourly@2026-01-01T02:01:00.000Z#tick'])
  const handled = ids().length
  await missing(world)
  expect(ids().slice(handled)).not.toContain('hourly@2026-01-01T01:01:00.000Z#tick')
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

it('sends ticks also if the definitions cannot be renewed, and reports that', async () => {
  const world = handlingWorld([hourly])
  const away = new DuequeError('RECURRING_UNREAD', 'away', {})
  world.definitions.renew = () => Promise.reject(away)
  expect(await missing(world)).toEqual({ sent: 1, waiting: 0 })
  expect(world.errors).toEqual([away])
})

it('lets other work have its turn among many definitions', async () => {
  const world = handlingWorld(Array.from({ length: 2000 }, (_, n) => definitionOf({ id: `m${n}`, paused: true })))
  let [turns, isOver] = [0, false]
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await missing(world)
  isOver = true
  expect(turns).toBeGreaterThanOrEqual(9)
})
