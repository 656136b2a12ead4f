import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, expect, test, vi } from 'vitest'
import {
  connect,
  on,
  onAny,
  type ConnectOptions,
  type Delivery,
  type LadderStrategy,
  type ScheduleInfo,
  type Telemetry,
} from '../../../src/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { open, rawChannel } from '../../support/mq.js'
import { depth } from '../../support/parked.js'
import { TICKS } from '../../support/recurring.js'
import { userWith } from '../../support/users.js'

vi.setConfig({ testTimeout: 120_000 })

const vhost = useVhost()

beforeAll(async () => {
  const mq = await connect({ url: vhost.url })
  // Declares the queue of ticks.
  await mq.recurring.set('first', { ...every('first'), limit: 1, declare: true })
  await mq.close()
})

/** A process that consumes, and records the occurrences of a queue. */
async function consuming(queue: string, options: ConnectOptions<LadderStrategy> = {}) {
  const mq = await open(vhost.url, options)
  const deliveries: (Delivery<{ n: number }> & { at: number })[] = []
  const handler = on(note, (delivery) => void deliveries.push({ ...delivery, at: Date.now() }))
  await mq.consume(queue, [handler])
  // Reads the definitions, which takes a while on a busy machine: a schedule is then set at once.
  await mq.recurring.get('first')
  const state = () => mq.health().recurring?.state
  const has = (count: number) =>
    poll(() => deliveries.length >= count, {
      what: `${count} occurrences, got ${deliveries.length}`,
      timeoutMs: 60_000,
    })
  return { mq, deliveries, state, has }
}

const every = (queue: string, n = 1) => ({ message: note, payload: { n }, to: { queue }, every: '1s' }) as const

/** When a schedule is set by then, on a busy machine too. */
const soon = () => new Date(Date.now() + 3000)

test('occurrences are delivered on time, each once, with the time of their schedule', async () => {
  const queue = unique('on-time')
  const { mq, deliveries, state, has } = await consuming(queue)
  const from = soon()
  await mq.recurring.set(queue, { ...every(queue, 7), from, limit: 5, headers: { own: 'x' } })
  await has(5)
  expect(state()).toBe('active')
  const times = Array.from({ length: 5 }, (_, i) => from.getTime() + i * 1000)
  expect(deliveries.map(({ scheduledFor }) => scheduledFor!.getTime())).toEqual(times)
  expect(deliveries.map(({ id }) => id)).toEqual(times.map((time) => `${queue}@${new Date(time).toISOString()}`))
  expect(deliveries[0]).toMatchObject({ payload: { n: 7 }, headers: { own: 'x' }, backfilled: false })
  for (const { at, scheduledFor } of deliveries) expect(at).toBeGreaterThanOrEqual(scheduledFor!.getTime())
  // The schedule has ended.
  await pause(1500)
  expect(deliveries).toHaveLength(5)
})

test('telemetry sees each occurrence as a schedule, and no tick', async () => {
  const queue = unique('seen')
  const seen: ScheduleInfo[] = []
  const telemetry: Telemetry = {
    schedule(info, headers, run) {
      seen.push(info)
      headers['traceparent'] = 'a-trace'
      return run()
    },
  }
  const { mq, deliveries, has } = await consuming(queue, { telemetry })
  await mq.recurring.set(queue, { ...every(queue), from: soon(), limit: 2 })
  await has(2)
  expect(seen.filter(({ id }) => id.startsWith(queue)).map(({ name }) => name)).toEqual(['test.note', 'test.note'])
  expect(seen.some(({ name }) => name.startsWith('dueque.'))).toBe(false)
  for (const { id, scheduledFor } of seen) expect(id.endsWith(`@${scheduledFor!.toISOString()}`)).toBe(true)
  expect(deliveries[0]).toMatchObject({ headers: { traceparent: 'a-trace' } })
  expect(deliveries[0]!.scheduledFor).toBeDefined()
})

test('a ticker takes over without a repair, and repairs a queue of ticks that was purged while no ticker ran', async () => {
  const [queue, channel] = [unique('purged'), await rawChannel(vhost.url)]
  const repairedAt = async ({ mq }: Awaited<ReturnType<typeof consuming>>) => {
    await poll(() => mq.health().recurring?.repairedAt, { what: 'the bookmark', timeoutMs: 30_000 })
    return mq.health().recurring!.repairedAt
  }
  const first = await consuming(queue)
  const before = await repairedAt(first)
  const standby = await consuming(queue)
  await first.mq.close()
  expect(await repairedAt(standby)).toBe(before)
  await standby.mq.close()

  const setter = await open(vhost.url, { recurring: false })
  const from = new Date(Date.now() + 8000)
  await setter.recurring.set(queue, { ...every(queue), every: '1h', from })
  await poll(async () => (await depth(channel, TICKS)) >= 2, { what: 'a bookmark and a tick', timeoutMs: 30_000 })
  await channel.purgeQueue(TICKS)
  const last = await consuming(queue)
  expect(await repairedAt(last)).not.toBe(before)
  await last.has(1)
  expect(last.deliveries.map(({ scheduledFor }) => scheduledFor)).toEqual([from])
})

test('a queue of ticks that is deleted under its ticker is declared anew, and repaired', async () => {
  const [queue, channel] = [unique('deleted'), await rawChannel(vhost.url)]
  const { mq, state } = await consuming(queue)
  await poll(() => state() === 'active', { what: 'the ticker', timeoutMs: 30_000 })
  const { repairedAt } = mq.health().recurring!
  await channel.deleteQueue(TICKS)
  const isRepaired = () => {
    const health = mq.health().recurring!
    return health.state === 'active' && health.repairedAt !== undefined && health.repairedAt !== repairedAt
  }
  await poll(isRepaired, { what: 'a new queue', timeoutMs: 30_000 })
})

test('what no ticker of this version can read stays in the queue', async () => {
  const [queue, channel] = [unique('later'), await rawChannel(vhost.url)]
  const { mq, deliveries, has } = await consuming(queue)
  const bodies = ['{"format":2,"id":"a","revision":1,"time":1}', 'not JSON']
  for (const body of bodies) channel.sendToQueue(TICKS, Buffer.from(body), { persistent: true })
  await mq.recurring.set(queue, { ...every(queue), from: soon(), limit: 2 })
  await has(2)
  expect(deliveries).toHaveLength(2)
  await mq.close()
  const found: string[] = []
  await channel.consume(TICKS, (message) => void found.push(message!.content.toString()), { noAck: true })
  await poll(() => bodies.every((body) => found.includes(body)), { what: 'both', timeoutMs: 30_000 })
})

test('without recurring messages nothing is declared, and with recurring: false no ticker runs', async () => {
  const other = await open(vhost.url, { namespace: 'other' })
  await other.consume(unique('none'), [onAny(() => undefined)])
  expect(other.health().recurring).toEqual({ state: 'unused' })
  const channel = await rawChannel(vhost.url)
  await expect(channel.checkQueue('other.v1.ticks')).rejects.toThrow(/NOT_FOUND/)
  const off = await open(vhost.url, { recurring: false })
  await off.consume(unique('off'), [onAny(() => undefined)])
  expect(off.health()).not.toHaveProperty('recurring')
})

test('a user who may not read the queue of ticks runs no ticker, and consumes as before', async () => {
  const queue = unique('rights')
  const all = { configure: '.*', write: '.*' }
  const url = await userWith(vhost, { ...all, read: String.raw`^(?!dueque\.v1\.ticks$).*` })
  const errors: unknown[] = []
  const mq = await open(url, { logger: false })
  mq.on('error', (error) => errors.push(error))
  const handled: string[] = []
  await mq.consume(queue, [onAny(({ id }) => void handled.push(id))])
  await poll(() => mq.health().recurring === undefined, { what: 'the ticker to be given up', timeoutMs: 30_000 })
  const { id } = await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
  await poll(() => handled.includes(id), { what: 'a message', timeoutMs: 30_000 })
  expect(errors).toEqual([])
})
