import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import type { Findings, Job, LadderView, Overview } from '../../../src/dashboard/api.js'
import { dashboard, type DashboardOptions } from '../../../src/dashboard/index.js'
import { connect, ladder, type Dueque } from '../../../src/index.js'
import { managementUrl, useVhost } from '../../support/broker.js'
import { note, unique } from '../../strategies/recorder.js'
import { client } from '../../unit/dashboard/board.js'

const vhost = useVhost()

async function open(url = vhost.url, options: DashboardOptions = {}) {
  const strategy = ladder({ journal: { index: true } })
  const mq = await connect({ url, strategy, namespace: unique('live'), publishTimeoutMs: 5000, logger: false })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const board = dashboard(mq, { access: 'all', management: managementUrl() ?? false, probe: false, ...options })
  return { mq, ...client(board) }
}

/** Schedules messages that wait for 30 minutes. */
async function fill(mq: Dueque, count: number): Promise<void> {
  const to = { queue: unique('q') }
  const { failed } = await mq.scheduleAll(
    Array.from({ length: count }, (_, n) => ({
      message: note,
      payload: { n },
      options: { to, declare: true, in: '30m' },
    })),
  )
  expect(failed).toBe(0)
}

/** The overviews of a viewer, as they come. */
async function viewer(ask: (path: string) => Promise<Response>) {
  const seen: Overview[] = []
  const response = await ask('api/events')
  const reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>
  onTestFinished(() => reader.cancel())
  let hasEnded = false
  const read = async () => {
    let text = ''
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += Buffer.from(part.value).toString()
      const events = text.split('\n\n')
      text = events.pop()!
      for (const event of events)
        if (event.startsWith('event: overview')) seen.push(JSON.parse(event.slice(event.indexOf('{'))) as Overview)
    }
    hasEnded = true
  }
  void read().catch(() => (hasEnded = true))
  const sees = (what: Partial<Overview>) => expect.poll(() => seen.at(-1), { timeout: 30_000 }).toMatchObject(what)
  return { seen, sees, hasEnded: () => hasEnded }
}

test('an overview and the ladder count the messages of the broker', async () => {
  const { mq, ask, get } = await open()
  await fill(mq, 3)
  const { sees } = await viewer(ask)
  const none = { messages: 0, change: 0, overMs: expect.any(Number) as number }
  await sees({ waiting: 3, dueWithinMinute: 0, parked: none, dead: managementUrl() === undefined ? null : none })
  const rungs = async () => (await get<LadderView>('api/ladder')).body.rungs
  await expect
    .poll(rungs, { timeout: 30_000 })
    .toEqual([{ rung: '30m', ttlMs: 1_800_000, messages: 3, backedUp: false }])
})

test('lateness is that of a message of its own, while somebody looks', async () => {
  const { ask } = await open(vhost.url, { probe: true })
  const { seen } = await viewer(ask)
  const lateness = () => seen.at(-1)?.lateness
  await expect.poll(lateness, { timeout: 30_000 }).toMatchObject({ source: 'probe', messages: 1, problems: [] })
})

test('what doctor finds is looked at once, the worst first', async () => {
  const { get } = await open()
  const [one, other] = await Promise.all([get<Findings>('api/findings'), get<Findings>('api/findings')])
  expect(one).toEqual(other)
  const order = ['error', 'warning', 'note', 'ok']
  const found = one.body.findings.map(({ severity }) => order.indexOf(severity))
  expect(found.length).toBeGreaterThan(0)
  expect(found).toEqual(found.toSorted())
})

test('viewers are told that the broker has gone, what was known last, and that it is back', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const { mq, ask, get } = await open(proxy.url())
  await fill(mq, 2)
  const [one, other] = [await viewer(ask), await viewer(ask)]
  await one.sees({ waiting: 2 })
  proxy.refuse()
  proxy.cut()
  for (const { sees } of [one, other])
    await sees({ waiting: 2, failure: { code: expect.any(String) as string, message: expect.any(String) as string } })
  expect((await get('api/findings')).status).toBe(503)
  await proxy.listen()
  await expect.poll(() => one.seen.at(-1), { timeout: 30_000 }).not.toHaveProperty('failure')
  await other.sees({ waiting: 2 })
}, 90_000)

test('a job goes on over a lost connection, and fails with what it has done if the broker stays away', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const { mq, get, post } = await open(proxy.url())
  await fill(mq, 4)
  const cancel = async (expected: number) =>
    (await post<Job>('api/waiting/change', { action: 'cancel', search: {}, expected })).body
  const last = async () => (await get<{ jobs: Job[] }>('api/jobs')).body.jobs[0]
  const count = async () => (await get<{ count: number }>('api/waiting/count')).body.count
  await expect.poll(count, { timeout: 20_000 }).toBe(4)
  proxy.latencyMs = 300
  const started = cancel(4)
  await pause(500)
  proxy.cut()
  proxy.latencyMs = 0
  await started
  await expect.poll(last, { timeout: 30_000 }).toMatchObject({ state: 'done', outcomes: { cancelled: 4 } })
  await fill(mq, 4)
  await expect.poll(count, { timeout: 20_000 }).toBe(4)
  proxy.freeze()
  const { messages } = { messages: [{ id: 'x', revision: 1, readyAt: new Date(Date.now() + 600_000).toISOString() }] }
  await post<Job>('api/waiting/change', { action: 'cancel', messages })
  await expect.poll(last, { timeout: 30_000 }).toMatchObject({ state: 'failed', done: 1, outcomes: { failed: 1 } })
  proxy.thaw()
}, 90_000)

test('a connection that is closed ends the streams, and lets nothing run on', async () => {
  const { mq, ask, get } = await open()
  const { sees, hasEnded } = await viewer(ask)
  await sees({ waiting: 0 })
  await mq.close()
  await expect.poll(hasEnded).toBe(true)
  expect(await get('api/overview')).toMatchObject({ status: 503, body: { code: 'CLOSED' } })
})
