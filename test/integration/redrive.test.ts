import type { Channel } from 'amqplib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { parkedSentOn } from '../../src/operate/failed/parked-messages.js'
import type { RedrivePlan } from '../../src/operate/failed/redrive.js'
import { FailedQueue } from '../../src/operate/failed/failed-queue.js'
import { resolveOptions } from '../../src/options.js'
import { poll, useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { depth, holds, park, PARKED } from '../support/parked.js'
import { openParked, redriveParked } from '../support/redrive.js'
import { note, Recorder, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()
let channel: Channel

beforeEach(async () => {
  // Declares the topology; the test publishes its own messages.
  const mq = await open(vhost.url)
  await mq.close()
  channel = await rawChannel(vhost.url)
})
afterEach(async () => {
  await (await rawChannel(vhost.url)).purgeQueue(PARKED)
})

const openQueue = () => openParked(vhost.url)
const redrive = (plan: Partial<RedrivePlan> = {}) => redriveParked(vhost.url, plan)

test('reading a queue removes no message and uses up no delivery, however often', async () => {
  await park(channel, [{ id: 'a' }, { id: 'b' }])
  for (let look = 0; look < 25; look++) {
    // Returned messages are counted after a moment.
    await holds(channel, PARKED, 2)
    const queue = await openQueue()
    const ids: unknown[] = []
    for await (const { properties } of queue.messages()) ids.push(properties['messageId'])
    expect(ids.sort()).toEqual(['a', 'b'])
    await queue.close()
  }
  await holds(channel, PARKED, 2)
})

test('reading a queue of several batches keeps its order', async () => {
  const ids = Array.from({ length: 250 }, (_, i) => `m-${i}`)
  await park(
    channel,
    ids.map((id) => ({ id })),
  )
  for (let look = 0; look < 3; look++) {
    await holds(channel, PARKED, ids.length)
    const queue = await openQueue()
    const found: unknown[] = []
    for await (const { properties } of queue.messages()) found.push(properties['messageId'])
    expect(found).toEqual(ids)
    await queue.close()
  }
})

test('removals have reached the broker when the queue is closed, and the rest keeps its order', async () => {
  await park(
    channel,
    Array.from({ length: 240 }, (_, i) => ({ id: `m-${i}` })),
  )
  const queue = await openQueue()
  let n = 0
  for await (const stored of queue.messages()) if (n++ % 2 === 0) queue.remove(stored)
  await queue.close()
  await holds(channel, PARKED, 120)
  const left: unknown[] = []
  const rest = await openQueue()
  for await (const { properties } of rest.messages()) left.push(properties['messageId'])
  await rest.close()
  expect(left).toEqual(Array.from({ length: 120 }, (_, i) => `m-${2 * i + 1}`))
})

test('removes the given messages, and returns the rest', async () => {
  await park(channel, [{ id: 'a' }, { id: 'b' }, { id: 'c' }])
  const queue = await openQueue()
  for await (const stored of queue.messages()) if (stored.properties['messageId'] === 'b') queue.remove(stored)
  await queue.close()
  await holds(channel, PARKED, 2)
  expect(await (await openQueue()).purge()).toBe(2)
})

test('a missing storage queue is named', async () => {
  const missing = { ...resolveOptions({ url: vhost.url }), endpoints: parseEndpoints(vhost.url) }
  expect(await failure(FailedQueue.open(missing, 'no.such.queue'))).toMatchObject({
    code: 'DESTINATION_MISSING',
    message: expect.stringContaining('no.such.queue') as string,
  })
})

test('restores a lost binding, and sends messages on with the same id and revision, without headers of the broker', async () => {
  const queue = unique('unbound')
  await channel.assertQueue(queue)
  const headers = {
    'x-death': [{ queue: 'x' }],
    'x-delivery-count': 3,
    'dueque-rescues': 5,
    'dueque-new': 1,
    own: 'kept',
  }
  await park(channel, [{ id: 'a', to: `queue:${queue}`, headers: { ...headers, 'dueque-parked-at': 1 } }])
  expect(await redrive()).toEqual({ sent: ['a'], left: [] })
  expect(await depth(channel, PARKED)).toBe(0)
  await holds(channel, queue, 1)
  const arrived = await channel.get(queue, { noAck: true })
  if (arrived === false) throw new Error('nothing arrived')
  const got = arrived.properties.headers!
  expect(arrived.properties.messageId).toBe('a')
  expect(got).toMatchObject({ 'dueque-revision': 1000, 'dueque-to': `queue:${queue}`, 'dueque-new': 1, own: 'kept' })
  expect(Object.keys(got).filter((name) => /^x-|rescues|parked/.test(name))).toEqual([])
})

test('a message that is not yet due waits for its due time', async () => {
  const queue = unique('later')
  const mq = await open(vhost.url)
  const recorder = await Recorder.on(mq, queue)
  await park(channel, [{ id: 'a', to: `queue:${queue}`, due: Date.now() + 2500 }])
  expect(await redrive()).toEqual({ sent: ['a'], left: [] })
  await recorder.has(1)
  expect(recorder.early).toEqual([])
  expect(recorder.deliveries[0]!.latenessMs).toBeLessThan(2000)
})

test('messages for a missing destination stay, and it is named; the others are sent on', async () => {
  const [here, gone] = [unique('here'), unique('gone')]
  await channel.assertQueue(here)
  const exchange = unique('no-exchange')
  await park(channel, [
    { id: 'a', to: `queue:${gone}` },
    { id: 'b', to: `queue:${here}` },
    { id: 'c', to: `queue:${gone}` },
    { id: 'd', to: `exchange:${exchange}` },
    { id: 'e' },
    { id: 'f', to: `queue:${here}`, due: Date.now() + 4000 * 86_400_000 },
  ])
  const { sent, left } = await redrive()
  expect(sent).toEqual(['b'])
  expect(left.sort()).toEqual([
    expect.stringMatching(/^DELAY_OUT_OF_RANGE /),
    expect.stringMatching(`^DESTINATION_MISSING exchange:${exchange} does not exist`),
    expect.stringMatching('^DESTINATION_MISSING it does not say where it belongs'),
    expect.stringMatching(`^DESTINATION_MISSING queue:${gone} does not exist`),
    expect.stringMatching(`^DESTINATION_MISSING queue:${gone} does not exist`),
  ])
  await holds(channel, PARKED, 5)
  expect(await redrive({ declare: true })).toMatchObject({ sent: ['a', 'c'] })
  await holds(channel, gone, 2)
})

test('sends to another destination on request, and to an exchange with the key of the message', async () => {
  const [queue, exchange] = [unique('elsewhere'), unique('fork')]
  await channel.assertQueue(queue)
  await channel.assertExchange(exchange, 'direct')
  await channel.bindQueue(queue, exchange, 'rooms')
  await park(channel, [{ id: 'a' }, { id: 'b', to: 'queue:rooms' }])
  const to = (to: Parameters<typeof parkedSentOn>[1]) => ({
    sentOn: (stored: Parameters<typeof parkedSentOn>[0]) => parkedSentOn(stored, to, Date.now()),
  })
  const isB = {
    chosen: ({ properties }: { properties: Readonly<Record<string, unknown>> }) => properties['messageId'] === 'b',
  }
  expect(await redrive({ ...isB, ...to({ exchange }) })).toEqual({ sent: ['b'], left: [] })
  await holds(channel, queue, 1)
  expect(await redrive(to({ queue }))).toEqual({ sent: ['a'], left: [] })
  await holds(channel, queue, 2)
})

test('keeps to the rate, and reads no more messages after an abort', async () => {
  const queue = unique('slow')
  await channel.assertQueue(queue)
  await park(
    channel,
    Array.from({ length: 40 }, (_, i) => ({ id: `m-${i}`, to: `queue:${queue}` })),
  )
  const startedAt = performance.now()
  expect((await redrive({ limit: 11, ratePerSecond: 20 })).sent).toHaveLength(11)
  expect(performance.now() - startedAt).toBeGreaterThan(495)
  await holds(channel, PARKED, 29)
  const stop = new AbortController()
  let settled = 0
  const { sent } = await redrive({
    ratePerSecond: 10,
    signal: stop.signal,
    settled: () => {
      if (++settled === 3) stop.abort()
    },
  })
  expect({ sent, settled: settled < 6 }).toEqual({ sent: [], settled: true })
  await holds(channel, PARKED, 29 - settled)
  await holds(channel, queue, 11 + settled)
})

test('parked messages carry the time at which they were parked', async () => {
  const [queue, mq] = [unique('deleted'), await open(vhost.url)]
  await scheduleNotes(mq, queue, [2500])
  await channel.deleteQueue(queue)
  const before = Date.now()
  await holds(channel, PARKED, 1)
  const parked = await poll(() => channel.get(PARKED, { noAck: true }), { what: 'the message' })
  expect(parked.properties.type).toBe(note.name)
  const at = parked.properties.headers!['dueque-parked-at'] as number
  expect(at).toBeGreaterThanOrEqual(before)
  expect(at).toBeLessThanOrEqual(Date.now())
})
