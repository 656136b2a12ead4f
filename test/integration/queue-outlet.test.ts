import { expect, test } from 'vitest'
import { on } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { depth, holds } from '../support/parked.js'
import { Recorder, note, unique } from '../strategies/recorder.js'

const vhost = useVhost()
/** More messages than the queue accepts and a rung hands over at a time, so that they would block the rung. */
const MANY = 650

/** A foreign queue that accepts 50 messages and refuses the next. */
async function declareSmall(queue: string): Promise<void> {
  const channel = await rawChannel(vhost.url)
  const limits = { 'x-queue-type': 'classic', 'x-max-length': 50, 'x-overflow': 'reject-publish' }
  await channel.assertQueue(queue, { durable: true, arguments: limits })
}

test('a full queue behind an outlet delays no other queue, and receives every message when it has room', async () => {
  const mq = await open(vhost.url)
  const [small, other] = [unique('small'), unique('other')]
  await declareSmall(small)
  const recorder = await Recorder.on(mq, other)
  const to = { queue: small, outlet: true }
  await Promise.all(Array.from({ length: MANY }, (_, n) => mq.schedule(note, { n }, { to, in: '2s' })))
  await Promise.all([0, 1, 2].map((n) => mq.schedule(note, { n }, { to: { queue: other }, in: '2s' })))
  await recorder.has(3, 6000)
  expect(await depth(await rawChannel(vhost.url), small)).toBeLessThan(MANY)
  const late = await Recorder.on(mq, small)
  await late.has(MANY, 60_000)
  expect(new Set(late.numbers).size).toBe(MANY)
  expect(late.deliveries).toHaveLength(MANY)
  expect(new Set(late.deliveries.map(({ routingKey }) => routingKey))).toEqual(new Set([small]))
}, 120_000)

test('a retry returns through the outlet', async () => {
  const mq = await open(vhost.url)
  const queue = unique('small')
  await declareSmall(queue)
  await mq.consume(queue, [on(note, () => Promise.reject(new Error('no')))], { retry: { attempts: 2, backoff: 100 } })
  await mq.schedule(note, { n: 1 }, { to: { queue, outlet: true }, in: 0 })
  const channel = await rawChannel(vhost.url)
  await holds(channel, `${queue}.dead`, 1)
  const dead = await channel.get(`${queue}.dead`)
  const headers = dead && dead.properties.headers
  expect(headers).toMatchObject({ 'dueque-attempt': 2, 'dueque-to': `outlet:${queue}` })
})

test('due messages for a deleted queue wait in its outlet', async () => {
  const mq = await open(vhost.url)
  const queue = unique('small')
  await declareSmall(queue)
  // The first confirm is held for 2 s, since its queues are young.
  const { dueAt } = await mq.schedule(note, { n: 1 }, { to: { queue, outlet: true }, in: '5s' })
  await (await rawChannel(vhost.url)).deleteQueue(queue)
  await poll(() => Date.now() > Date.parse(dueAt) + 500, { what: 'it to be due', timeoutMs: 10_000 })
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(1)
  expect(await depth(await rawChannel(vhost.url), 'dueque.v1.parked')).toBe(0)
})

test('a missing queue is an error, or is declared on request', async () => {
  const mq = await open(vhost.url)
  const to = { queue: unique('small'), outlet: true }
  expect(await failure(mq.schedule(note, { n: 1 }, { to, in: 0 }))).toMatchObject({ code: 'DESTINATION_MISSING' })
  await mq.schedule(note, { n: 1 }, { to, in: 0, declare: true })
  const recorder = await Recorder.on(mq, to.queue)
  await recorder.has(1)
})
