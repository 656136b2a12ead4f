import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage, on } from '../../../src/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { ODD_ZONES, oracleTimes } from '../../support/calendar-oracle.js'

const beat = defineMessage('beat', z.string())
const START = Date.UTC(2026, 0, 1)
const YEAR_MS = 365 * 86_400_000

it('a year of occurrences over the clock changes of six zones is that of an oracle', async () => {
  const { mq, clock, delivered } = await testDueque({ now: new Date(START), queues: ['beats'] })
  await mq.consume('beats', [on(beat, () => undefined)])
  const cron = '30 2 * * *'
  for (const tz of ODD_ZONES)
    await mq.recurring.set(tz, { message: beat, payload: tz, to: { queue: 'beats' }, cron, tz })
  await clock.advance(YEAR_MS)
  for (const tz of ODD_ZONES) {
    const times = delivered().filter(({ payload }) => payload === tz)
    expect(times.map(({ at }) => at.getTime())).toEqual(oracleTimes(cron, tz, START, START + YEAR_MS))
    expect(times.map(({ id }) => id)).toEqual(times.map(({ at }) => `${tz}@${at.toISOString()}`))
  }
}, 60_000)

it('a test sees the schedules, and the messages of users alone', async () => {
  const { mq, clock, recurring, scheduled, waiting, queued } = await testDueque({
    now: new Date(START),
    queues: ['beats'],
  })
  expect(recurring()).toEqual([])
  const daily = { message: beat, payload: 'x', to: { queue: 'beats' }, cron: '0 9 * * *' }
  await mq.recurring.set('b', daily)
  await mq.recurring.set('a', { ...daily, paused: true })
  expect(recurring()).toMatchObject([
    { id: 'a', paused: true, nextAt: undefined },
    { id: 'b', paused: false, payload: 'x', nextAt: new Date(START + 9 * 3_600_000) },
  ])
  expect([scheduled(), waiting(), queued()]).toEqual([[], [], []])
  await mq.recurring.remove('a')
  expect(recurring()).toHaveLength(1)
  // A consumer runs the schedules.
  await mq.consume('others', [on(beat, () => undefined)])
  await clock.advanceTo({ epochMilliseconds: START + 9 * 3_600_000 - 1 })
  expect(waiting()).toMatchObject([{ id: 'b@2026-01-01T09:00:00.000Z', to: { queue: 'beats' } }])
  await clock.advance(1)
  expect(queued()).toMatchObject([{ id: 'b@2026-01-01T09:00:00.000Z' }])
  expect(scheduled()).toHaveLength(1)
})
