import { expect, onTestFinished, test, vi } from 'vitest'
import { on } from '../../../src/index.js'
import type { Access } from '../../../src/dashboard/index.js'
import type { Job, Overview } from '../../../src/dashboard/api.js'
import { fill, note, open } from './board.js'

/** Reads a stream of events until one fits. */
async function viewer(ask: (path: string) => Promise<Response>) {
  const response = await ask('api/events')
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  expect(response.headers.get('cache-control')).toBe('no-store, no-transform')
  const reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>
  onTestFinished(() => reader.cancel())
  let text = ''
  const until = async <T>(event: string, fits: (data: T) => boolean = () => true): Promise<T | 'end'> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end))!
        text = text.slice(end + 2)
        if (name === event && fits(JSON.parse(data!) as T)) return JSON.parse(data!) as T
        continue
      }
      const { value, done } = await reader.read()
      if (done) return 'end'
      text += Buffer.from(value).toString()
    }
  }
  return { until, leave: () => reader.cancel() }
}

test('an overview counts waiting messages, and those that are due within a minute', async () => {
  const { mq, get } = await open()
  await fill(mq, ['a', 'b'])
  await mq.schedule(note, { text: '' }, { to: { queue: 'notes' }, in: '30s' })
  const { body } = await get<Overview>('api/overview')
  expect(body).toMatchObject({ waiting: 3, dueWithinMinute: 1, dead: null, parked: null, lateness: null })
  expect(body.failure).toBeUndefined()
})

test('two viewers see the same looks, and each job of the other', async () => {
  const { mq, ask, post } = await open({ access: 'all' })
  await fill(mq, ['a', 'b'])
  const [one, other] = [await viewer(ask), await viewer(ask)]
  const both = () => Promise.all([one.until<Overview>('overview'), other.until<Overview>('overview')])
  const [first, same] = await both()
  expect(first).toEqual(same)
  await post('api/waiting/change', { action: 'cancel', search: {}, expected: 2 })
  const done = await other.until<Job>('job', ({ state }) => state === 'done')
  expect(done).toMatchObject({ outcomes: { cancelled: 2 } })
  await one.leave()
  expect(await other.until<Overview>('overview', ({ waiting }) => waiting === 0)).toMatchObject({ waiting: 0 })
})

test('while a store cannot be asked, that is said, with what was known before', async () => {
  const { mq, ask } = await open()
  await fill(mq, ['a', 'b'])
  const { until } = await viewer(ask)
  await until<Overview>('overview', ({ waiting }) => waiting === 2)
  const away = vi.spyOn(mq.strategy.waitlist, 'count').mockRejectedValue(new Error('the store is away'))
  const seen = await until<Overview>('overview', ({ failure }) => failure !== undefined)
  expect(seen).toMatchObject({ waiting: 2, failure: { code: 'STORE_ERROR', message: 'the store is away' } })
  away.mockRestore()
  expect(await until<Overview>('overview', ({ failure }) => failure === undefined)).toMatchObject({ waiting: 2 })
}, 20_000)

test('deliveries of the process are counted while somebody looks', async () => {
  const { mq, ask } = await open()
  await mq.consume('notes', [on(note, () => undefined)], { declare: true })
  const { until } = await viewer(ask)
  await until('overview')
  for (let i = 0; i < 5; i++) await mq.schedule(note, { text: '' }, { to: { queue: 'notes' }, in: 1 })
  const counted = await until<Overview>('overview', ({ deliveredPerMinute }) => Number(deliveredPerMinute) > 0)
  expect(counted).toMatchObject({ deliveredPerMinute: expect.any(Number) as number })
}, 20_000)

test('a stream is refused to those who may not look, and ends with the connection', async () => {
  let access: Access = 'none'
  const { mq, ask } = await open({ access: () => access })
  expect((await ask('api/events')).status).toBe(403)
  access = 'read'
  const { until } = await viewer(ask)
  await until('overview')
  await mq.close()
  expect(await until('overview', () => false)).toBe('end')
  expect((await ask('api/events')).status).toBe(503)
})

test('a viewer gets the jobs that there are, and too many streams are refused', async () => {
  const { ask, post } = await open({ access: 'all' })
  await post('api/waiting/change', { action: 'cancel', search: {}, expected: 0 })
  const { until, leave } = await viewer(ask)
  expect(await until<{ jobs: Job[] }>('jobs')).toMatchObject({ jobs: [{ what: 'cancel 0 messages', state: 'done' }] })
  const streams = await Promise.all(Array.from({ length: 249 }, () => ask('api/events')))
  expect((await ask('api/events')).status).toBe(429)
  await leave()
  streams.push(await ask('api/events'))
  expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200))
})

test('jobs are listed, the newest first, and stopped by those who may', async () => {
  const { get, post } = await open({ access: 'all' })
  for (let i = 0; i < 2; i++) await post('api/waiting/change', { action: 'cancel', search: {}, expected: i })
  const { body } = await get<{ jobs: Job[] }>('api/jobs')
  expect(body.jobs).toHaveLength(2)
  const [newest, oldest] = body.jobs
  expect(newest!.startedAt >= oldest!.startedAt).toBe(true)
  expect((await post('api/jobs/stop', { id: 'x' })).status).toBe(404)
  expect((await post('api/jobs/stop', { id: newest!.id })).body).toMatchObject({ id: newest!.id, state: 'done' })
})
