import { expect, test } from 'vitest'
import type { RecurringDetails, RecurringList } from '../../../src/dashboard/api.js'
import { note, open } from './board.js'

async function filled() {
  const board = await open({ access: 'all' })
  board.mq.strategy.broker.declareQueue('notes')
  const content = { message: note, payload: { text: 'x' }, to: { queue: 'notes' } }
  await board.mq.recurring.set('daily', { ...content, cron: '0 9 * * *', tz: 'Europe/Berlin', note: 'the report' })
  await board.mq.recurring.set('hourly', { ...content, every: '1h', jitter: '1m', headers: { a: 'b' } })
  return board
}

test('are listed by id, page by page', async () => {
  const { get } = await filled()
  const { body: first } = await get<RecurringList>('api/recurring?limit=1')
  expect(first.schedules).toMatchObject([
    { id: 'daily', name: 'note', destination: 'queue:notes', cron: '0 9 * * *', tz: 'Europe/Berlin', everyMs: null },
  ])
  const { body: next } = await get<RecurringList>(`api/recurring?cursor=${first.cursor}`)
  expect(next).toMatchObject({
    schedules: [{ id: 'hourly', everyMs: 3_600_000, cron: null, paused: false }],
    cursor: null,
  })
  expect((await get<RecurringList>('api/recurring?idPrefix=h')).body.schedules).toHaveLength(1)
})

test('one is shown with its next and its last ten times', async () => {
  const { get } = await filled()
  const { body } = await get<RecurringDetails>('api/recurring/one?id=hourly')
  expect(body).toMatchObject({
    jitterMs: 60_000,
    catchUp: 'once',
    headers: { a: 'b' },
    payload: { text: 'x' },
    limit: null,
  })
  const times = [...body.last.toReversed(), ...body.next].map((at) => Date.parse(at))
  expect(times).toHaveLength(20)
  times.slice(1).forEach((time, i) => expect(time - times[i]!).toBe(3_600_000))
  expect(times[9]!).toBeLessThanOrEqual(Date.now())
  expect((await get('api/recurring/one?id=none')).status).toBe(404)
  expect((await get('api/recurring/one')).status).toBe(400)
})

test('are paused, resumed, triggered and removed', async () => {
  const { mq, get, post } = await filled()
  const change = async (action: string, id = 'daily') => (await post('api/recurring/change', { id, action })).body
  expect(await change('pause')).toEqual({ changed: true })
  expect((await get<RecurringDetails>('api/recurring/one?id=daily')).body).toMatchObject({
    paused: true,
    nextAt: null,
    next: [],
  })
  expect(await change('resume')).toEqual({ changed: true })
  expect((await mq.recurring.get('daily'))!.paused).toBe(false)
  expect(await change('trigger')).toEqual({ changed: true })
  expect(mq.strategy.broker.messages('notes')).toHaveLength(1)
  expect(await change('remove')).toEqual({ changed: true })
  expect(await change('remove')).toEqual({ changed: false })
  expect(await change('trigger')).toMatchObject({ code: 'NO_SUCH_SCHEDULE' })
  expect(await change('start')).toMatchObject({ code: 'BAD_REQUEST' })
})

test('the payload is shown to those alone who may see payloads', async () => {
  const { mq } = await filled()
  const { dashboard } = await import('../../../src/dashboard/index.js')
  const answer = await dashboard(mq)(new Request('http://x/api/recurring/one?id=daily'))
  expect(Object.keys((await answer.json()) as object)).not.toContain('payload')
})
