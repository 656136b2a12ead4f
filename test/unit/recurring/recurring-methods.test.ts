import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage, on, type Delivery } from '../../../src/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { rejection } from '../thrown.js'

const report = defineMessage('report', z.object({ kind: z.string() }))
const now = new Date('2026-03-01T00:00:00Z')
const daily = {
  message: report,
  payload: { kind: 'daily' },
  to: { queue: 'reports' },
  cron: '0 9 * * *',
  tz: 'Europe/Berlin',
}

async function world(cancellations: 'exact' | 'log' = 'exact') {
  const test = await testDueque({ now, queues: ['reports'], cancellations: cancellations as 'exact' })
  const seen: Delivery<{ kind: string }>[] = []
  await test.mq.consume('reports', [on(report, (delivery) => void seen.push(delivery))])
  const times = () => seen.map(({ scheduledFor }) => scheduledFor?.toISOString())
  return { ...test, recurring: test.mq.recurring, seen, times }
}

describe.each(['exact', 'log'] as const)('recurring messages, with cancellations %s', (cancellations) => {
  it('come at each time, and not while they are paused', async () => {
    const { recurring, clock, times } = await world(cancellations)
    const set = await recurring.set('daily', daily)
    expect(set).toMatchObject({ id: 'daily', changed: true, nextAt: new Date('2026-03-01T08:00:00Z'), paused: false })
    await clock.advance('2d')
    expect(times()).toEqual(['2026-03-01T08:00:00.000Z', '2026-03-02T08:00:00.000Z'])
    expect(await recurring.pause('daily')).toBe(true)
    expect(await recurring.get('daily')).toMatchObject({ paused: true, nextAt: undefined })
    expect(await recurring.next('daily')).toEqual([])
    expect(await recurring.set('daily', daily)).toMatchObject({ changed: false, paused: true })
    await clock.advance('2d')
    expect(await recurring.resume('daily')).toBe(true)
    await clock.advance('1d')
    expect(times()).toEqual(['2026-03-01T08:00:00.000Z', '2026-03-02T08:00:00.000Z', '2026-03-05T08:00:00.000Z'])
  })

  it('change, are removed and set again while an occurrence waits', async () => {
    const { recurring, clock, seen, waiting } = await world(cancellations)
    await recurring.set('daily', daily)
    // A minute before 09:00, the occurrence waits.
    await clock.advanceTo('2026-03-01T07:59:30Z')
    expect(waiting()).toMatchObject([{ id: 'daily@2026-03-01T08:00:00.000Z' }])
    await recurring.set('daily', { ...daily, payload: { kind: 'other' } })
    await clock.advance(0)
    await recurring.remove('daily')
    expect(waiting()).toEqual([])
    await recurring.set('daily', { ...daily, payload: { kind: 'third' } })
    await clock.advance('1d')
    expect(seen.map(({ payload, id }) => [payload.kind, id])).toEqual([['third', 'daily@2026-03-01T08:00:00.000Z']])
  })

  it('keep an occurrence that waits for its jitter, when they change', async () => {
    const { recurring, clock, seen } = await world(cancellations)
    const hourly = { ...daily, cron: '0 * * * *', jitter: '50m' }
    await recurring.set('hourly', hourly)
    await clock.advanceTo('2026-03-01T01:00:00.001Z')
    const before = seen.length
    await recurring.set('hourly', { ...hourly, payload: { kind: 'other' } })
    await clock.advanceTo('2026-03-01T01:59:59Z')
    expect(seen.slice(before).map(({ payload }) => payload.kind)).toEqual(['daily'].slice(before))
    await clock.advanceTo('2026-03-01T03:00:00Z')
    expect(seen.map(({ scheduledFor }) => scheduledFor?.getUTCHours())).toEqual([1, 2])
  })
})

it('a trigger is sent now, also of a paused schedule, and two are two', async () => {
  const { recurring, clock, seen } = await world()
  await recurring.set('daily', { ...daily, paused: true })
  const [one, other] = [await recurring.trigger('daily'), await recurring.trigger('daily')]
  await clock.advance('1h')
  expect([one.id, other.id]).toEqual(['daily@2026-03-01T00:00:00.000Z', 'daily@2026-03-01T00:00:00.001Z'])
  expect(seen.map(({ id, backfilled, payload }) => [id, backfilled, payload.kind])).toEqual([
    [one.id, false, 'daily'],
    [other.id, false, 'daily'],
  ])
})

it('a backfill sends past times, those before the schedule was set and after they were handled', async () => {
  const { recurring, clock, seen, times } = await world()
  await recurring.set('daily', daily)
  await clock.advance('1d')
  expect(await recurring.backfill('daily', { from: '2026-02-27T00:00:00Z' })).toEqual({
    scheduled: 3,
    failed: 0,
    failures: [],
  })
  await clock.advance(0)
  expect(seen.map(({ backfilled }) => backfilled)).toEqual([false, true, true, true])
  expect(times().slice(1)).toEqual(['2026-02-27T08:00:00.000Z', '2026-02-28T08:00:00.000Z', '2026-03-01T08:00:00.000Z'])
})

it('a backfill of more than 100,000 times is refused', async () => {
  const { recurring } = await world()
  const { cron: _cron, tz: _tz, ...content } = daily
  await recurring.set('often', { ...content, every: '1s', paused: true })
  const refused = await rejection(recurring.backfill('often', { from: '2026-02-27T00:00:00Z' }))
  expect(refused).toMatchObject({
    data: { option: 'from' },
    message: expect.stringContaining('no more than 100000 times') as string,
  })
})

it('a backfill lets other work have its turn while it computes times', async () => {
  const { recurring } = await world()
  await recurring.set('often', { ...daily, cron: '* * * * * *', paused: true })
  let [turns, isOver] = [0, false]
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const from = new Date(now.getTime() - 1000_000)
  const filled = recurring.backfill('often', { from, to: now }).finally(() => (isOver = true))
  const before = turns
  expect(await filled).toMatchObject({ scheduled: 1000 })
  expect(turns - before).toBeGreaterThan(9)
})

it('schedules are listed in pages, by id', async () => {
  const { recurring } = await world()
  const items = ['c', 'a', 'b', 'x/1'].map((id) => ({ id, ...daily }))
  expect(await recurring.setAll(items)).toEqual({ changed: 4, unchanged: 0, failed: 0, failures: [] })
  const first = await recurring.list({ limit: 2 })
  const second = await recurring.list({ limit: 2, cursor: first.cursor })
  expect([first, second].map(({ schedules }) => schedules.map(({ id }) => id))).toEqual([
    ['a', 'b'],
    ['c', 'x/1'],
  ])
  expect(second.cursor).toBeUndefined()
  expect((await recurring.list({ idPrefix: 'x/' })).schedules).toHaveLength(1)
})

it('the results of setAll come one by one, and a bad item fails alone', async () => {
  const { recurring } = await world()
  const items = [{ id: 'a', ...daily }, { id: '', ...daily }, undefined as never, { id: 'b', ...daily, cron: 'soon' }]
  const results = new Map<number, unknown>()
  for await (const { index, schedule, error } of recurring.setAll(items))
    results.set(index, error?.code ?? schedule?.id)
  expect([0, 1, 2, 3].map((n) => results.get(n))).toEqual(['a', 'INVALID_OPTION', 'INVALID_OPTION', 'INVALID_OPTION'])
  expect(() => recurring.setAll(5 as never)).toThrow('items: expected an iterable of { id, message, payload, to')
})

it('the next times are those of the calendar', async () => {
  const { recurring } = await world()
  await recurring.set('daily', daily)
  const times = await recurring.next('daily', 30)
  expect(times).toHaveLength(30)
  // Summer time begins on 29 March.
  expect(times.slice(27, 29).map((time) => time.toISOString())).toEqual([
    '2026-03-28T08:00:00.000Z',
    '2026-03-29T07:00:00.000Z',
  ])
  expect(await recurring.next('daily')).toEqual(times.slice(0, 10))
})

describe('bad input is refused before anything is written', () => {
  it.each<[string, (recurring: Awaited<ReturnType<typeof world>>['recurring']) => Promise<unknown>, object]>([
    ['a missing queue', (r) => r.set('x', { ...daily, to: { queue: 'none' } }), { code: 'DESTINATION_MISSING' }],
    [
      'a queue of its own',
      (r) => r.set('x', { ...daily, to: { queue: 'dueque.v1.ticks' } }),
      { code: 'RESERVED_NAME' },
    ],
    ['a payload that does not fit', (r) => r.set('x', { ...daily, payload: {} as never }), { code: 'INVALID_PAYLOAD' }],
    ['an unknown option', (r) => r.set('x', { ...daily, evry: 5 } as never), { data: { option: 'evry' } }],
    [
      'a declared dead queue',
      (r) => r.set('x', { ...daily, to: { queue: 'a.dead' }, declare: true }),
      { code: 'RESERVED_NAME' },
    ],
    ['no id', (r) => r.pause(undefined as never), { data: { option: 'id' } }],
    ['an unknown id to trigger', (r) => r.trigger('none'), { code: 'NO_SUCH_SCHEDULE', data: { id: 'none' } }],
    ['an unknown id to look ahead', (r) => r.next('none'), { code: 'NO_SUCH_SCHEDULE' }],
    ['an unknown id to fill in', (r) => r.backfill('none', { from: now }), { code: 'NO_SUCH_SCHEDULE' }],
    ['no instant', (r) => r.backfill('set', {} as never), { code: 'INVALID_DUE' }],
    [
      'a later instant',
      (r) => r.backfill('set', { from: now, to: '2030-01-01T00:00:00Z' }),
      { data: { option: 'to' } },
    ],
    ['instants in no order', (r) => r.backfill('set', { from: now, to: now }), { data: { option: 'from' } }],
    ['too many next times', (r) => r.next('set', 1001), { data: { option: 'n' } }],
    ['an empty prefix', (r) => r.list({ idPrefix: '' }), { data: { option: 'idPrefix' } }],
    ['a foreign cursor', (r) => r.list({ cursor: 'page 2' }), { data: { option: 'cursor' } }],
  ])('%s', async (_what, call, error) => {
    const { recurring } = await world()
    await recurring.set('set', daily)
    expect(await rejection(call(recurring))).toMatchObject({ outcome: 'refused', ...error })
    expect((await recurring.list()).schedules.map(({ id }) => id)).toEqual(['set'])
  })
})

it('a closed connection changes nothing', async () => {
  const { recurring, mq } = await world()
  await mq.close()
  const calls = [recurring.set('x', daily), recurring.pause('x'), recurring.list()]
  for (const call of calls) expect(await rejection(call)).toMatchObject({ code: 'CLOSED' })
  expect(await recurring.setAll([{ id: 'x', ...daily }])).toMatchObject({ failed: 1 })
})
