import { expect, it, onTestFinished, vi } from 'vitest'
import { DuequeError } from '../../../src/index.js'
import { encodeDefinition } from '../../../src/recurring/definition.js'
import { definitionOf } from './definition-of.js'
import { handlingWorld, HOUR, settled, START } from './world.js'

const LIVE = { live: true }
const REPORT = definitionOf({ from: START, since: START - 1 })
/** Every tick of the first hour is due then. */
const DUE_MS = HOUR - 61_000
/** Of the schedule `report`. */
const tick = (time = START + HOUR, revision = 7) => ({ id: 'report', revision, time })
const [ONE, TWO] = ['report@2026-01-01T01:00:00.000Z', 'report@2026-01-01T02:00:00.000Z']

it('schedules the occurrence of the time, then the next tick', async () => {
  const { clock, handling, scheduled } = handlingWorld([REPORT])
  clock.advance(DUE_MS)
  expect(await handling.run(LIVE, tick())).toBe('ack')
  const [occurrence, next] = scheduled
  expect(scheduled.map(({ id }) => id)).toEqual([ONE, `${TWO}#tick`])
  expect(occurrence).toMatchObject({
    ...{ dueAt: START + HOUR, revision: 7, destination: { queue: 'reports' }, name: 'report.wanted' },
    headers: { 'dueque-scheduled-for': START + HOUR },
  })
  expect(next!.revision).toBe(7)
  expect(next!.dueAt).toBeLessThanOrEqual(START + 2 * HOUR - 61_000)
  expect(next!.dueAt).toBeGreaterThan(START + 2 * HOUR - 361_000)
})

it('schedules every occurrence of a window by one tick, and the rest of one whose first tick is gone', async () => {
  const { clock, handling, ids } = handlingWorld([{ ...REPORT, everyMs: 60_000 }])
  clock.advance(DUE_MS)
  expect(await handling.run(LIVE, tick())).toBe('ack')
  const next = Date.parse(ids().at(-1)!.slice('report@'.length, -'#tick'.length))
  clock.advance(next - 61_000 - clock.now())
  expect(await handling.run(LIVE, tick(next))).toBe('ack')
  const minutes = (from: number, n: number) =>
    Array.from({ length: n }, (_, i) => `report@${new Date(from + i * 60_000).toISOString()}`)
  const before = (next - START - HOUR) / 60_000
  expect(ids()).toEqual([
    ...[...minutes(START + HOUR, before), `${minutes(next, 1)[0]}#tick`],
    ...[...minutes(next, 4), `${minutes(next + 240_000, 1)[0]}#tick`],
  ])
  // A repair does not know where a window begins.
  const other = handlingWorld([{ ...REPORT, everyMs: 60_000 }])
  other.clock.advance(clock.now() - START)
  expect(await other.handling.run(LIVE, tick(next + 120_000))).toBe('ack')
  expect(other.ids()).toEqual(ids().slice(-3))
})

it('holds a tick until its occurrence can wait for whole steps of the strategy, if nothing is late by it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { clock, handling, scheduled, strategy } = handlingWorld([REPORT])
  Object.assign(strategy, { limits: { ...strategy.limits, stepMs: 100 } })
  clock.advance(DUE_MS + 60)
  const running = handling.run(LIVE, tick())
  // 40 ms are left to a whole step, of which the sender waits 5.
  await settled()
  vi.advanceTimersByTime(34)
  await settled()
  expect(scheduled).toEqual([])
  vi.advanceTimersByTime(1)
  expect(await running).toBe('ack')
  expect(scheduled).toHaveLength(2)

  clock.advance(HOUR + 57_000)
  void handling.run(LIVE, tick(START + 2 * HOUR))
  await settled()
  expect(scheduled).toHaveLength(4)
})

it('gives back a tick that is held when it closes, and holds none after that', async () => {
  const { clock, handling, scheduled, strategy, closing } = handlingWorld([REPORT])
  Object.assign(strategy, { limits: { ...strategy.limits, stepMs: 60_000 } })
  clock.advance(DUE_MS - 30_000)
  const running = handling.run(LIVE, tick())
  await settled()
  closing.abort()
  handling.close()
  expect(await running).toBe('comes again')
  expect(await handling.run(LIVE, tick())).toBe('comes again')
  expect(scheduled).toEqual([])
})

it('takes copies of a tick for handled, also those that come together', async () => {
  const { clock, handling, ids } = handlingWorld([REPORT])
  clock.advance(HOUR)
  const both = [handling.run(LIVE, tick()), handling.run(LIVE, tick())]
  expect(await Promise.all(both)).toEqual(['ack', 'ack'])
  await handling.run(LIVE, tick())
  expect(ids()).toEqual([ONE, `${TWO}#tick`])
})

it.each(['once', 'all', 'none'] as const)(
  'schedules a window again, under the same ids, whose tick comes again after its time was missed: %s',
  async (catchUp) => {
    const schedule = { ...REPORT, everyMs: 5000, catchUp }
    const [first, successor] = [handlingWorld([schedule]), handlingWorld([schedule])]
    first.clock.advance(DUE_MS)
    await first.handling.run(LIVE, tick())
    const [, ...rest] = first.ids()
    // It has died before its ack reached the broker, and no other ticker has run since.
    successor.clock.advance(DUE_MS + 72_000)
    let time = START + HOUR
    const timeOf = (id: string) => Date.parse(id.slice('report@'.length, -'#tick'.length))
    while (time < timeOf(first.ids().at(-1)!)) {
      await successor.handling.run(LIVE, tick(time))
      time = timeOf(successor.ids().at(-1)!)
    }
    const sent = successor.ids().filter((id) => !id.endsWith('#tick') || id === first.ids().at(-1))
    expect(sent).toEqual(catchUp === 'none' ? rest : first.ids())
  },
)

it('schedules no time once more whose tick came before an earlier one of its window', async () => {
  const { clock, handling, ids } = handlingWorld([{ ...REPORT, everyMs: 60_000 }])
  const first = START + HOUR + 60_000
  clock.advance(DUE_MS)
  expect(await handling.run(LIVE, tick(first + 60_000))).toBe('ack')
  const before = ids()
  expect(await handling.run(LIVE, tick(first))).toBe('ack')
  // Its own time, and a copy of the next tick.
  expect(ids().slice(before.length)).toEqual([`report@${new Date(first).toISOString()}`, before.at(-1)])
})

it('takes no tick for handled whose occurrences may have been lost meanwhile', async () => {
  const { clock, handling, handled, ids } = handlingWorld([REPORT], ({ id }) => {
    if (id.endsWith('#tick')) handled.lost('report')
  })
  clock.advance(DUE_MS)
  expect(await handling.run(LIVE, tick())).toBe('ack')
  expect(await handling.run(LIVE, tick())).toBe('ack')
  expect(ids()).toEqual([ONE, `${TWO}#tick`, ONE, `${TWO}#tick`])
})

it.each([
  ['another revision', { ...REPORT, revision: 8 }],
  ['a pause', { ...REPORT, paused: true }],
  ['a removal', undefined],
])('drops the tick after %s', async (_, present) => {
  const { handling, scheduled } = handlingWorld(present ? [present] : [])
  expect(await handling.run(LIVE, tick(START))).toBe('ack')
  expect(scheduled).toEqual([])
})

it('leaves a definition that it cannot read to another version', async () => {
  const { handling, records, scheduled } = handlingWorld([])
  records.set('report', { id: 'report', revision: 7, definition: '{"format":2}' })
  expect(await handling.run(LIVE, tick())).toBe('unreadable')
  expect(scheduled).toEqual([])
})

it('schedules each of 1,200 missed times, in portions', async () => {
  const { clock, handling, ids } = handlingWorld([{ ...REPORT, everyMs: 1000, catchUp: 'all' }])
  clock.advance(1_210_000)
  let time: number | undefined = START
  const portions: number[] = []
  while (time !== undefined && time < clock.now() - 10_000) {
    const before = ids().length
    await handling.run(LIVE, tick(time))
    const portion = ids().slice(before)
    portions.push(portion.length - 1)
    time = Date.parse(portion.at(-1)!.slice('report@'.length, -'#tick'.length))
  }
  expect(portions).toEqual([1000, 200])
  expect(new Set(ids()).size).toBe(1200 + portions.length)
})

it('reports an occurrence without a destination once an hour, and goes on', async () => {
  const { clock, handling, ids, errors } = handlingWorld([{ ...REPORT, to: { queue: 'gone' }, everyMs: 300_000 }])
  for (const minute of [0, 5, 55, 60]) {
    clock.advance(START + minute * 60_000 - clock.now())
    expect(await handling.run(LIVE, tick(START + minute * 60_000))).toBe('ack')
  }
  expect(ids()).toHaveLength(4)
  expect(ids().every((id) => id.endsWith('#tick'))).toBe(true)
  expect(errors.map(({ code }) => code)).toEqual(['DESTINATION_MISSING', 'DESTINATION_MISSING'])
  expect(errors[0]!.message).toMatch(/"report" has no occurrence at 2026-01-01T00:00:00.000Z: queue:gone/)
})

it('takes back an occurrence that is scheduled while the definition changes, where nobody else can', async () => {
  const { clock, handling, ids, records, strategy } = handlingWorld([REPORT], ({ id }) => {
    if (id === ONE) records.set('report', encodeDefinition({ ...REPORT, revision: 8 }))
  })
  clock.advance(DUE_MS)
  expect(await handling.run(LIVE, tick())).toBe('ack')
  expect(ids()).toEqual([ONE])
  expect(strategy.waiting()).toEqual([])
})

it('repeats what fails until the broker takes the tick back', async () => {
  let failures = 3
  const { clock, handling, ids, errors } = handlingWorld([REPORT], () => {
    if (failures-- > 0) throw new DuequeError('STORE_ERROR', 'away', { store: 'a' })
  })
  const arrival = { live: true }
  clock.advance(DUE_MS)
  const running = handling.run(arrival, tick())
  for (let i = 0; i < 4; i++) {
    await settled()
    clock.advance(5000)
  }
  expect(await running).toBe('ack')
  expect(ids()).toEqual([ONE, `${TWO}#tick`])
  expect(errors.map(({ code }) => code)).toEqual(['STORE_ERROR'])

  failures = Infinity
  const again = handling.run(arrival, tick(START + 2 * HOUR))
  await settled()
  arrival.live = false
  clock.advance(5000)
  expect(await again).toBe('comes again')
  expect(ids()).toHaveLength(2)
})

it('finishes a tick while it closes, and leaves the next one', async () => {
  const { clock, handling, ids, closing, abandon } = handlingWorld([REPORT], () => closing.abort())
  clock.advance(DUE_MS)
  expect(await handling.run(LIVE, tick())).toBe('ack')
  expect(ids()).toHaveLength(2)
  abandon.abort()
  expect(await handling.run(LIVE, tick(START + 2 * HOUR))).toBe('comes again')
  expect(ids()).toHaveLength(2)
})

it('sends a tick again that comes far too early, and holds one that comes a little too early', async () => {
  const { clock, handling, ids, scheduled } = handlingWorld([REPORT])
  const earliest = START + HOUR - 361_000
  expect(await handling.run(LIVE, tick())).toBe('ack')
  expect(ids()).toEqual([`${ONE}#tick`])
  clock.advance(earliest - 20_000 - START)
  const held = handling.run(LIVE, tick())
  await settled()
  expect(ids()).toHaveLength(1)
  clock.advance(10_000)
  expect(await held).toBe('ack')
  expect(ids()).toEqual([`${ONE}#tick`, ONE, `${TWO}#tick`])
  expect(scheduled[0]!.dueAt).toBeGreaterThanOrEqual(earliest)
})

it('leaves a tick for which its user lacks a right to another user, and reports that', async () => {
  const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'read', resource: 'stream' })
  const world = handlingWorld([REPORT])
  world.definitions.get = () => Promise.reject(denied)
  expect(await world.handling.run(LIVE, tick())).toBe('failed')
  expect([world.errors, world.steppedBack]).toEqual([[denied], [denied]])
})

it('leaves an occurrence that its user may not schedule to another user, also the last one of its schedule', async () => {
  const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'write', resource: 'exchange' })
  const { clock, handling, ids, errors } = handlingWorld([{ ...REPORT, endsAt: START + HOUR }], () => {
    throw denied
  })
  clock.advance(DUE_MS)
  expect(await handling.run(LIVE, tick())).toBe('failed')
  expect([ids(), errors]).toEqual([[], [denied]])
})

it('takes no late occurrence, which is sent at once, for a success: that may need no right', async () => {
  const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'write', resource: 'exchange' })
  const { clock, handling, steppedBack } = handlingWorld(
    [
      { ...REPORT, endsAt: START },
      { ...REPORT, id: 'other' },
    ],
    ({ dueAt }) => {
      if (dueAt > clock.now()) throw denied
    },
  )
  clock.advance(5000)
  expect(await handling.run(LIVE, tick(START))).toBe('ack')
  clock.advance(DUE_MS - 5000)
  expect(await handling.run(LIVE, { ...tick(), id: 'other' })).toBe('failed')
  expect(steppedBack).toEqual([denied])
})

it('gives every tick back when nothing has succeeded for a minute, and not before', async () => {
  const away = new DuequeError('STORE_ERROR', 'away', { store: 'a' })
  const { clock, handling, errors, steppedBack } = handlingWorld([REPORT, { ...REPORT, id: 'other' }], () => {
    throw away
  })
  clock.advance(DUE_MS)
  const outcomes: string[] = []
  for (const id of ['report', 'other']) void handling.run(LIVE, { ...tick(), id }).then((one) => outcomes.push(one))
  for (let s = 0; s < 60; s += 5) {
    await settled()
    expect([outcomes, steppedBack]).toEqual([[], []])
    clock.advance(5000)
  }
  await settled()
  clock.advance(5000)
  await settled()
  expect([outcomes, steppedBack]).toEqual([['failed', 'failed'], [away]])
  expect(errors).toEqual([away, away])
})

it('one schedule that fails holds up no other one, and is given back after ten minutes', async () => {
  let isAllowed = false
  const others = Array.from({ length: 11 }, (_, n) => ({ ...REPORT, id: `other ${n}` }))
  const denied = new DuequeError('STORE_ERROR', 'no', { store: 'a', denied: true })
  const { clock, handling, steppedBack } = handlingWorld([REPORT, ...others], ({ id }) => {
    if (id === ONE) throw isAllowed ? denied : new DuequeError('STORE_ERROR', 'away', { store: 'a' })
  })
  clock.advance(DUE_MS)
  let outcome: string | undefined
  void handling.run(LIVE, tick()).then((one) => (outcome = one))
  for (const { id } of others) {
    expect(await handling.run(LIVE, { ...tick(), id })).toBe('ack')
    expect(outcome).toBeUndefined()
    for (let s = 0; s < 55; s += 5) {
      clock.advance(5000)
      await settled()
    }
  }
  expect([outcome, steppedBack]).toEqual(['failed', []])
  await handling.run(LIVE, { ...tick(START + 2 * HOUR), id: 'other 0' })
  isAllowed = true
  // For a right that it lacks, it need not try again.
  expect(await handling.run(LIVE, tick())).toBe('failed')
  expect(steppedBack).toEqual([])
})
