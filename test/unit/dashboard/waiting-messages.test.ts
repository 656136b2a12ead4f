import { expect, test } from 'vitest'
import type { Job, Timeline, WaitingKey, WaitingList } from '../../../src/dashboard/api.js'
import { isDuequeError } from '../../../src/index.js'
import { fill, note, open } from './board.js'

const HOSTILE = [
  '<script>alert(1)</script>',
  '"\'&<',
  '\u202egnp.exe',
  '\u001b[31m',
  'a\u0000b',
  '../../x',
  '💥',
  '__proto__',
]
const ids = ({ messages }: WaitingList) => messages.map(({ id }) => id)
const keysOf = ({ messages }: WaitingList): WaitingKey[] =>
  messages.map(({ id, revision, readyAt }) => ({ id, revision, readyAt }))

test('are listed page by page, the next to be due first', async () => {
  const { mq, get } = await open()
  const all = ['a', 'b', 'c', 'd', 'e']
  await fill(mq, all)
  const found: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body }: { body: WaitingList } = await get(`api/waiting?limit=2&cursor=${cursor}`)
    found.push(...ids(body))
    cursor = body.cursor
  }
  expect(found).toEqual(all)
  const { body } = await get<WaitingList>('api/waiting?limit=1')
  expect(body.messages[0]).toEqual({
    ...{ id: 'a', name: 'note', destination: 'queue:notes', attempt: 1 },
    ...{ revision: expect.any(Number) as number, readyAt: expect.stringMatching(/Z$/) as string },
  })
})

test('are found by a part of the id, a prefix, name, destination, header and time, and counted', async () => {
  const { mq, get } = await open()
  await fill(mq, ['order/1', 'order/2', 'visit/12'])
  const to = { exchange: 'clinic', routingKey: 'north/a' }
  mq.strategy.broker.declareExchange('clinic', 'topic')
  await mq.schedule(note, { text: '' }, { to, id: 'e', in: '9h', headers: { clinic: 'north', n: 5 } })
  const found = async (query: string) => {
    const { body } = await get<WaitingList>(`api/waiting?${query}`)
    expect((await get(`api/waiting/count?${query}`)).body).toEqual({ count: body.messages.length })
    return ids(body)
  }
  const later = encodeURIComponent(new Date(Date.now() + 2.5 * 3_600_000).toISOString())
  expect(await found('id=2')).toEqual(['order/2', 'visit/12'])
  expect(await found('idPrefix=order/')).toEqual(['order/1', 'order/2'])
  expect(await found('name=note&id=1')).toEqual(['order/1', 'visit/12'])
  expect(await found('name=other')).toEqual([])
  expect(await found('destination=queue:notes')).toHaveLength(3)
  expect(await found('destination=exchange:clinic')).toEqual(['e'])
  expect(await found('destination=exchange:clinic/north/a')).toEqual(['e'])
  expect(await found('destination=exchange:clinic/south')).toEqual([])
  expect(await found('header=clinic=north')).toEqual(['e'])
  expect(await found('header=n=5')).toEqual(['e'])
  expect(await found(`to=${later}`)).toEqual(['order/1', 'order/2'])
  expect(await found(`from=${later}&id=`)).toEqual(['visit/12', 'e'])
})

test.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=x', 'from=x', 'header=x', 'destination=x'])(
  'the question %s is refused',
  async (query) => {
    const { get } = await open()
    expect(await get(`api/waiting?${query}`)).toMatchObject({
      status: 400,
      body: { message: expect.any(String) as string },
    })
  },
)

test('one is shown with its headers, its payload apart, and 404 when it does not wait any more', async () => {
  const { mq, get } = await open({ access: 'all' })
  const options = { to: { queue: 'notes' }, declare: true, id: 'a', headers: { clinic: 'north' } }
  const { revision } = await mq.schedule(note, { text: 'héllo' }, { ...options, in: '1h' })
  const query = `id=a&revision=${revision}`
  const { body } = await get(`api/waiting/message?${query}`)
  expect(body).toMatchObject({
    id: 'a',
    revision,
    headers: { clinic: 'north' },
    bytes: Buffer.byteLength('{"text":"héllo"}'),
  })
  expect(JSON.stringify(body)).not.toContain('héllo')
  expect((await get(`api/waiting/payload?${query}`)).body).toEqual({ encoding: 'utf8', text: '{"text":"héllo"}' })
  expect((await get(`api/waiting/message?id=a&revision=${revision + 1}`)).status).toBe(404)
  await mq.cancel('a')
  expect((await get(`api/waiting/payload?${query}`)).status).toBe(404)
})

test.each(HOSTILE)('the id %j is an id like any other', async (id) => {
  const { mq, get, post } = await open({ access: 'all' })
  await fill(mq, [id, 'other'])
  const query = `id=${encodeURIComponent(id)}`
  const { body } = await get<WaitingList>(`api/waiting?${query}`)
  expect(ids(body)).toEqual([id])
  expect((await get(`api/waiting/message?${query}`)).body).toMatchObject({ id })
  const { body: job } = await post<Job>('api/waiting/change', { action: 'cancel', messages: keysOf(body) })
  expect(job.outcomes).toEqual({ cancelled: 1 })
  expect(await mq.count()).toBe(1)
})

test('a timeline has the units of an hour, a day or a week, of a search too', async () => {
  const { mq, get } = await open()
  await fill(mq, ['a', 'b', 'c'])
  await mq.schedule(note, { text: '' }, { to: { queue: 'notes' }, id: 'soon', in: '5m' })
  const of = async (query: string) => (await get<Timeline>(`api/timeline?${query}`)).body
  const sum = ({ counts }: Timeline) => counts.reduce((all, { count }) => all + count, 0)
  const hour = await of('range=hour')
  expect([hour.unit, sum(hour)]).toEqual(['minute', expect.any(Number)])
  expect(Date.parse(hour.to) - Date.parse(hour.from)).toBe(61 * 60_000)
  const day = await of('range=day')
  expect([day.unit, sum(day), sum(await of('range=day&id=a'))]).toEqual(['hour', 4, 1])
  expect((await of('range=week')).unit).toBe('day')
  expect(sum(await of(`range=day&to=${new Date(0).toISOString()}`))).toBe(0)
  for (const range of ['year', 'constructor']) expect((await get(`api/timeline?range=${range}`)).status).toBe(400)
})

test('some are cancelled, rescheduled or delivered now, and the outcome of each is told', async () => {
  const { mq, get, post } = await open({ access: 'all' })
  await fill(mq, ['a', 'b', 'c'])
  const keys = keysOf((await get<WaitingList>('api/waiting')).body)
  const change = async (body: object) => (await post<Job>('api/waiting/change', body)).body
  const at = new Date(Date.now() + 9 * 86_400_000).toISOString()
  expect(await change({ action: 'reschedule', messages: keys.slice(0, 1), at })).toMatchObject({
    ...{ what: 'reschedule 1 message', state: 'done', done: 1, of: 1, outcomes: { rescheduled: 1 } },
  })
  expect((await mq.get('a'))?.dueAt.toISOString()).toBe(at)
  const before = Date.now()
  await change({ action: 'reschedule', messages: keys.slice(1, 2), in: '2d' })
  expect((await mq.get('b'))!.dueAt.getTime()).toBeGreaterThanOrEqual(before + 2 * 86_400_000)
  expect((await change({ action: 'deliver-now', messages: keys.slice(2) })).outcomes).toEqual({ rescheduled: 1 })
  // Its time has come, and memory delivers it in the next turn.
  await expect.poll(() => mq.get('c')).toBeUndefined()
  expect((await change({ action: 'cancel', messages: keys })).outcomes).toEqual({ cancelled: 2, 'not-waiting': 1 })
})

test('all that fit a search are changed, unless there are more than were confirmed', async () => {
  const { mq, post } = await open({ access: 'all' })
  await fill(mq, ['order/1', 'order/2', 'order/3', 'visit/1'])
  const cancel = (expected: number) =>
    post<Job>('api/waiting/change', { action: 'cancel', search: { idPrefix: 'order/' }, expected })
  expect(await cancel(2)).toMatchObject({ status: 409, body: { code: 'COUNT_CHANGED' } })
  expect(await mq.count()).toBe(4)
  expect((await cancel(3)).body).toMatchObject({
    ...{ what: 'cancel 3 messages with ids that begin with order/', state: 'done', outcomes: { cancelled: 3 } },
  })
  expect(await mq.count()).toBe(1)
})

test.each([
  {},
  { action: 'purge', messages: [] },
  { action: 'cancel' },
  { action: 'cancel', messages: [] },
  { action: 'cancel', messages: [{ id: 'a' }] },
  { action: 'cancel', messages: Array(1001).fill({ id: 'a', revision: 1, readyAt: '2030-01-01T00:00:00Z' }) },
  { action: 'cancel', search: {} },
  { action: 'cancel', search: { idprefix: 'a' }, expected: 1 },
  { action: 'reschedule', search: {}, expected: 1 },
  { action: 'reschedule', search: {}, expected: 1, in: '1h', at: '2030-01-01T00:00:00Z' },
  { action: 'reschedule', search: {}, expected: 1, in: 'soon' },
])('the change %j is refused, and nothing is changed', async (body) => {
  const { mq, post } = await open({ access: 'all' })
  await fill(mq, ['a'])
  expect((await post('api/waiting/change', body)).status).toBe(400)
  expect(await mq.count()).toBe(1)
})

test('each change needs its own permission', async () => {
  const { mq, get, post } = await open({ access: { cancel: true } })
  await fill(mq, ['a'])
  const messages = keysOf((await get<WaitingList>('api/waiting')).body)
  const status = async (body: object) => (await post('api/waiting/change', { messages, ...body })).status
  expect(await status({ action: 'reschedule', in: '1h' })).toBe(403)
  expect(await status({ action: 'deliver-now' })).toBe(403)
  expect(await status({ action: 'cancel' })).toBe(200)
})

test('of a connection that is closed, each question is answered with 503', async () => {
  const { mq, get, post } = await open({ access: 'all' })
  await mq.close()
  expect(await get('api/waiting')).toMatchObject({ status: 503, body: { code: 'CLOSED' } })
  expect(await post('api/waiting/change', { action: 'cancel', search: {}, expected: 0 })).toMatchObject({ status: 503 })
  expect(isDuequeError(await mq.count().catch((error: unknown) => error), 'CLOSED')).toBe(true)
})
