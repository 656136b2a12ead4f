import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { on } from '../../src/index.js'
import { openWorld } from '../strategies/amqp-world.js'
import { note, scheduleNotes, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { failure, open } from '../support/mq.js'

const vhost = useVhost()

test('on close, returns messages that it has not started, and finishes running handlers', async () => {
  const queue = unique('drain')
  const mq = await open(vhost.url)
  let finish: (() => void) | undefined
  const handler = on(note, () => new Promise<void>((resolve) => (finish = resolve)))
  const consumer = await mq.consume(queue, [handler], { prefetch: 10, concurrency: 1 })
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 10 }, () => 0),
  )
  await poll(() => finish !== undefined, { timeoutMs: 30_000, what: 'a running handler' })
  const closed = consumer.close()
  finish!()
  await closed
  expect(consumer.stats()).toMatchObject({ handled: 1, running: 0 })
  const world = openWorld(vhost.url)
  await poll(async () => (await world.depth(queue)) === 9, { timeoutMs: 30_000, what: '9 messages given back' })
})

// A quorum queue may lose many acks that it receives shortly before a channel closes.
test.each([
  ['at once', () => undefined],
  ['a moment later', () => setImmediate()],
])('does not receive again a message that it finished %s after its close began', async (_, later) => {
  const queue = unique('drain-many')
  const mq = await open(vhost.url)
  let isClosing = false
  const handler = on(note, async () => {
    await poll(async () => (await world.depth(queue)) === 0, { timeoutMs: 30_000, what: '100 messages prefetched' })
    isClosing = true
    void consumer.close()
    await later()
  })
  const world = openWorld(vhost.url)
  const consumer = await mq.consume(queue, [handler], { prefetch: 100, concurrency: 1 })
  await scheduleNotes(
    mq,
    queue,
    Array.from({ length: 100 }, () => 0),
  )
  await poll(() => isClosing, { timeoutMs: 30_000, what: 'a consumer that closes' })
  await consumer.close()
  await poll(async () => (await world.depth(queue)) === 99, { timeoutMs: 30_000, what: '99 messages given back' })
})

test('aborts the signal of a handler when the time to drain is over', async () => {
  const queue = unique('signal')
  const mq = await open(vhost.url)
  let signal: AbortSignal | undefined
  const handler = on(note, (delivery) => {
    signal = delivery.signal
    return new Promise((resolve) => delivery.signal.addEventListener('abort', resolve))
  })
  const consumer = await mq.consume(queue, [handler])
  await scheduleNotes(mq, queue, [0])
  await poll(() => signal !== undefined, { timeoutMs: 30_000, what: 'a running handler' })
  await consumer.close({ drainTimeoutMs: 50 })
  expect(signal?.aborted).toBe(true)
})

test('returns a message whose handler stopped because of that signal, and does not dead-letter it', async () => {
  const queue = unique('aborted')
  const mq = await open(vhost.url)
  let running = false
  const handler = on(note, ({ signal }) => {
    running = true
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  })
  const consumer = await mq.consume(queue, [handler])
  await scheduleNotes(mq, queue, [0])
  await poll(() => running, { timeoutMs: 30_000, what: 'a running handler' })
  await consumer.close({ drainTimeoutMs: 50 })
  const world = openWorld(vhost.url)
  await poll(async () => (await world.depth(queue)) === 1, { timeoutMs: 30_000, what: 'it to be back' })
  expect(await world.depth(`${queue}.dead`)).toBe(0)
})

test('schedules and the retry of a handler that runs while the connection closes are confirmed', async () => {
  const queue = unique('while-closing')
  const mq = await open(vhost.url)
  let finish: (() => void) | undefined
  const errors: unknown[] = []
  const handler = on(note, async () => {
    await new Promise<void>((resolve) => (finish = resolve))
    try {
      await scheduleNotes(mq, queue, [60_000, 90_000])
      const items = [1, 2].map((n) => ({ message: note, payload: { n }, options: { to: { queue }, in: '1h' } }))
      for await (const { error } of mq.scheduleAll(items)) errors.push(error)
    } catch (error) {
      errors.push(error)
    }
    throw new Error('once more')
  })
  const consumer = await mq.consume(queue, [handler], { retry: { attempts: 2, backoff: '1h' } })
  await scheduleNotes(mq, queue, [0])
  await poll(() => finish !== undefined, { timeoutMs: 30_000, what: 'a running handler' })
  const closed = mq.close()
  await expect(scheduleNotes(mq, queue, [0])).rejects.toMatchObject({ code: 'CLOSED' })
  finish!()
  await closed
  expect(errors).toEqual([undefined, undefined])
  expect(consumer.stats()).toMatchObject({ retried: 1, dead: 0 })
})

test('a message whose handler closes the connection without awaiting it is handled once', async () => {
  const queue = unique('self-close')
  const mq = await open(vhost.url)
  let error: unknown
  const handler = on(note, async () => {
    error = await failure(mq.close())
  })
  const consumer = await mq.consume(queue, [handler])
  await scheduleNotes(mq, queue, [0])
  await poll(() => error, { timeoutMs: 30_000, what: 'the close in the handler to reject' })
  await mq.close()
  expect(error).toMatchObject({ code: 'CLOSE_IN_HANDLER', data: { queue } })
  expect(consumer.stats()).toMatchObject({ handled: 1, dead: 0 })
  expect(await openWorld(vhost.url).depth(queue)).toBe(0)
})
