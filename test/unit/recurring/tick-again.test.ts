import { expect, it, onTestFinished, vi } from 'vitest'
import { definitionOf } from './definition-of.js'
import { handlingWorld, HOUR, settled, START } from './world.js'

/** A tick of the first hour is due then. */
const DUE_MS = HOUR - 61_000

/** Handles a tick that was sent once more, of a schedule of each minute. */
async function handleAgain(since: number, afterTakeOverMs: number, again: boolean) {
  const { clock, handling, ids, strategy, takeOver } = handlingWorld([
    definitionOf({ from: START, everyMs: 60_000, since }),
  ])
  Object.assign(strategy, { waitlist: undefined })
  clock.advance(DUE_MS)
  takeOver()
  clock.advance(afterTakeOverMs)
  const time = clock.now() + 61_000
  expect(await handling.run({ live: true }, { id: 'report', revision: 7, time, again })).toBe('ack')
  return { ids: ids(), time }
}

it('begins after the occurrences of a predecessor with a tick that was sent once more', async () => {
  const { ids, time } = await handleAgain(START, 0, true)
  const behind = new Date(time - 61_000 + 421_000).toISOString()
  expect(ids).toEqual([`report@${behind}#tick`])
})

it.each([
  ['when those are due', START, 371_000, true],
  ['of a schedule that was set right before the predecessor ended', START + DUE_MS - 30_000, 0, true],
  ['that is the next one', START, 0, false],
])('schedules the occurrences of a tick %s', async (_, since, afterTakeOverMs, again) => {
  const { ids, time } = await handleAgain(since, afterTakeOverMs, again)
  expect(ids[0]).toBe(`report@${new Date(time).toISOString()}`)
})

it('schedules the occurrence of a tick that came after the predecessor had gone', async () => {
  const hourly = definitionOf({ from: START, everyMs: HOUR, since: START })
  const { clock, handling, ids, strategy, takeOver } = handlingWorld([hourly])
  Object.assign(strategy, { waitlist: undefined })
  clock.advance(HOUR - 400_000)
  takeOver()
  clock.advance(300_000)
  const time = START + HOUR
  expect(await handling.run({ live: true }, { id: 'report', revision: 7, time, again: true })).toBe('ack')
  expect(ids()[0]).toBe(`report@${new Date(time).toISOString()}`)
})

it('schedules times of a window that were handled and are lost while an earlier tick of it is held', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { clock, handling, handled, ids, strategy } = handlingWorld([definitionOf({ from: START, everyMs: 60_000 })])
  const handle = (time: number) => handling.run({ live: true }, { id: 'report', revision: 7, time })
  const first = START + HOUR + 60_000
  clock.advance(DUE_MS)
  // That of a repair came first.
  await handle(first + 60_000)
  const before = ids()
  Object.assign(strategy, { limits: { ...strategy.limits, stepMs: 100 } })
  clock.advance(60)
  const running = handle(first)
  await settled()
  handled.lost('report')
  vi.advanceTimersByTime(100)
  expect(await running).toBe('ack')
  expect(ids().slice(before.length)).toEqual([`report@${new Date(first).toISOString()}`, ...before])
})
