import { expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'
import { open, rawChannel } from '../support/mq.js'
import { note, Recorder, scheduleNotes, unique } from '../strategies/recorder.js'
import { on } from '../../src/index.js'

const vhost = useVhost()

test('messages that a paused consumer had not started go to another one, and come to it again when it resumes', async () => {
  const queue = unique('pause')
  const mq = await open(vhost.url)
  const numbers: number[] = []
  const ends: (() => void)[] = []
  const slow = on(note, ({ payload }) => {
    numbers.push(payload.n)
    return new Promise<void>((resolve) => ends.push(resolve))
  })
  const paused = await mq.consume(queue, [slow], { concurrency: 1, prefetch: 20 })
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 10 }, () => 0),
  )
  await poll(() => ends.length === 1, { what: 'the first handler' })
  await paused.pause()
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'up' })
  const other = await Recorder.on(await open(vhost.url), queue)
  await other.has(9)
  ends[0]!()
  await poll(() => paused.stats().handled === 1, { what: 'the end of the first handler' })
  expect([...numbers, ...other.numbers].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, n) => n))

  const raw = await rawChannel(vhost.url)
  await poll(async () => (await raw.checkQueue(queue)).consumerCount === 1, { what: 'the cancelled consumer' })
  await paused.resume()
  expect((await raw.checkQueue(queue)).consumerCount).toBe(2)
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 40 }, () => 0),
  )
  await poll(() => numbers.length === 2, { what: 'a message for the consumer that resumed' })
  ends[1]!()
  await paused.close({ drainTimeoutMs: 0 })
})

test('a paused consumer stays paused when its queue is deleted and its channel lost, and resumes then', async () => {
  const queue = unique('pause')
  const mq = await open(vhost.url)
  const recorder = new Recorder()
  const consumer = await mq.consume(queue, [on(note, (delivery) => void recorder.deliveries.push(delivery))])
  await consumer.pause()
  const raw = await rawChannel(vhost.url)
  await raw.deleteQueue(queue)
  await Promise.all([consumer.resume(), consumer.pause()])
  await scheduleNotes(mq, queue, [0, 0])
  await poll(async () => (await raw.checkQueue(queue)).messageCount === 2, { what: 'two messages that nobody takes' })
  await consumer.resume()
  await recorder.has(2)
})

test('handlers start at ratePerSecond', async () => {
  const queue = unique('rate')
  const mq = await open(vhost.url)
  const starts: number[] = []
  const handler = on(note, () => void starts.push(performance.now()))
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 11 }, () => 0),
  )
  await mq.consume(queue, [handler], { ratePerSecond: 20 })
  await poll(() => starts.length === 11, { what: 'all handlers' })
  // Ten intervals of 50 ms, of which 10 ms may be caught up.
  expect(starts.at(-1)! - starts[0]!).toBeGreaterThanOrEqual(490)
})
