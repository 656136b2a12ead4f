import { expect, test } from 'vitest'
import { connect, memory, on } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { open, rawChannel } from '../support/mq.js'
import { note, Recorder, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()

test('health reports the broker and the consumers, as plain JSON, until it is closed', async () => {
  const mq = await open(vhost.url)
  const health = mq.health()
  expect(health).toEqual({
    ok: true,
    producer: 'up',
    consumer: 'unused',
    broker: { product: 'RabbitMQ', version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string },
    since: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    waitingForConfirm: 0,
  })
  expect(JSON.parse(JSON.stringify(health))).toEqual(health)
  const recorder = await Recorder.on(mq, unique('health'))
  expect(recorder.deliveries).toEqual([])
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'up' })
  const closing = mq.close()
  expect(mq.health().ok).toBe(false)
  await closing
  expect(mq.health()).toMatchObject({ ok: false, producer: 'down', consumer: 'down' })
})

test('health is down while a consumer cannot restart, although the connections are up', async () => {
  const [queue, mq, channel] = [unique('gone'), await open(vhost.url), await rawChannel(vhost.url)]
  await channel.assertQueue(queue)
  await Recorder.on(mq, queue, { declare: false })
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'up' })
  await channel.deleteQueue(queue)
  await poll(() => mq.health().consumer === 'down', { what: 'down', timeoutMs: 10_000 })
  expect(mq.health()).toMatchObject({ ok: false, producer: 'up' })
  await channel.assertQueue(queue)
  await poll(() => mq.health().ok, { what: 'up again', timeoutMs: 30_000 })
})

test('a closed consumer does not make health down', async () => {
  const [queue, mq] = [unique('closed'), await open(vhost.url)]
  await scheduleNotes(mq, queue, [0])
  const consumer = await mq.consume(queue, [on(note, () => undefined)])
  await consumer.close()
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'up' })
})

test('health of the memory strategy', async () => {
  const mq = await connect({ strategy: memory() })
  const up = { ok: true, producer: 'up', consumer: 'unused', waitingForConfirm: 0 }
  expect(mq.health()).toEqual({ ...up, since: expect.any(String) as string })
  await mq.consume('q', [on(note, () => undefined)])
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'up' })
  await mq.close()
  expect(mq.health()).toMatchObject({ ok: false, producer: 'down' })
})
