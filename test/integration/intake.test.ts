import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Channel } from 'amqplib'
import { describe, expect, test } from 'vitest'
import { onAny } from '../../src/index.js'
import { isDuequeError } from '../../src/index.js'
import { unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { next, openIntake, publishDelayed } from '../support/intake.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { NO_PIKA, pythonWithPika } from '../support/python.js'

const vhost = useVhost()

/** Unique names, and a queue that is bound to the exchange for due messages. */
async function world(type: string, bound: string, args: Record<string, unknown> = {}) {
  const from = unique('plugin-form')
  const queue = unique('work')
  const channel = await rawChannel(vhost.url)
  const intake = await openIntake({ url: vhost.url, from, type })
  await channel.assertQueue(queue)
  await channel.bindQueue(queue, `${from}.due`, bound, args)
  return { from, queue, channel, intake }
}

async function readyIn(channel: Channel, queue: string): Promise<number> {
  return (await channel.checkQueue(queue)).messageCount
}

describe('a message in the form of the plugin', () => {
  test('reaches the exchange behind when it is due, not before, unchanged', async () => {
    const { from, queue, channel } = await world('direct', 'a.b')
    const body = Buffer.from([0, 255, 1, 254, 10])
    const properties = { messageId: 'm-1', correlationId: 'c', replyTo: 'r', appId: 'app', priority: 3, timestamp: 7 }
    const before = Date.now()
    publishDelayed(channel, from, 'a.b', body, 1500, { ...properties, headers: { own: 'ü', deep: { a: [1, 'b'] } } })
    const { content, fields, properties: got } = await next(channel, queue)
    expect(Date.now() - before).toBeGreaterThanOrEqual(1500)
    expect(content.equals(body)).toBe(true)
    expect(fields).toMatchObject({ exchange: `${from}.due`, routingKey: 'a.b' })
    expect(got).toMatchObject(properties)
    expect(got.type).toBeUndefined()
    expect(got.contentType).toBeUndefined()
    expect(got.headers).toMatchObject({ own: 'ü', deep: { a: [1, 'b'] }, 'x-delay': -1500 })
    expect(got.headers).not.toHaveProperty('BCC')
  })

  test('is routed when it is due, by the exchange type that the plugin had underneath', async () => {
    const wanted = [
      ['topic', 'a.#', {}, 'a.b.c', 'b.c'],
      ['fanout', '', {}, 'any', undefined],
      ['headers', '', { 'x-match': 'all', clinic: 'west' }, 'k', undefined],
    ] as const
    for (const [type, bound, args, key, notThis] of wanted) {
      const { from, queue, channel } = await world(type, bound, args)
      if (notThis !== undefined) publishDelayed(channel, from, notThis, 'not this', 100)
      if (type === 'headers') publishDelayed(channel, from, key, 'not this', 100, { headers: { clinic: 'east' } })
      publishDelayed(channel, from, key, 'this', 300, { headers: { clinic: 'west' } })
      expect((await next(channel, queue)).content.toString(), type).toBe('this')
      expect(await readyIn(channel, queue)).toBe(0)
    }
  })

  test('also reaches the queues of its CC keys', async () => {
    const { from, queue, channel } = await world('direct', 'second')
    publishDelayed(channel, from, 'first', 'x', 200, { headers: { CC: ['second'] } })
    expect((await next(channel, queue)).fields.routingKey).toBe('first')
  })

  test('goes on at once without a delay, or with one of 0 or less', async () => {
    const { from, queue, channel, intake } = await world('direct', 'k')
    for (const delay of [undefined, 0, -1, '-1', true]) publishDelayed(channel, from, 'k', String(delay), delay)
    for (let i = 0; i < 5; i++) await next(channel, queue)
    await poll(() => intake.stats().scheduled === 5, { what: 'five', timeoutMs: 30_000 })
    expect(intake.stats()).toEqual({ scheduled: 5, atOnce: 5, dead: 0 })
  })

  test('with a delay longer than the plugin supports is not delivered at once', async () => {
    const { from, queue, channel, intake } = await world('direct', 'k')
    publishDelayed(channel, from, 'k', 'long', 2 ** 32)
    await poll(() => intake.stats().scheduled === 1, { what: 'one', timeoutMs: 30_000 })
    expect(intake.stats().atOnce).toBe(0)
    expect(await readyIn(channel, queue)).toBe(0)
  })

  test('with an invalid delay is in the dead queue with the reason, and not delivered', async () => {
    const { from, queue, channel, intake } = await world('direct', 'k')
    for (const delay of ['soon', 3651 * 86_400_000]) {
      publishDelayed(channel, from, 'k', String(delay), delay, { headers: { own: 1 } })
      const dead = await next(channel, `${from}.intake.dead`)
      expect(dead.content.toString()).toBe(String(delay))
      expect(dead.fields.routingKey).toBe('k')
      expect(dead.properties.headers).toMatchObject({ own: 1, 'x-delay': delay, 'dueque-dead-reason': 'invalid-due' })
      expect(dead.properties.headers?.['dueque-dead-error']).toContain('x-delay')
    }
    await poll(() => intake.stats().dead === 2, { what: 'two', timeoutMs: 30_000 })
    expect(await readyIn(channel, queue)).toBe(0)
  })

  test('without a binding when it is due is parked, and blocks no other message', async () => {
    const { from, queue, channel } = await world('direct', 'k')
    const parked = await readyIn(channel, 'dueque.v1.parked')
    for (let i = 0; i < 40; i++) publishDelayed(channel, from, 'nobody', 'x', 100)
    publishDelayed(channel, from, 'k', 'healthy', 600)
    expect((await next(channel, queue)).content.toString()).toBe('healthy')
    const all = async () => (await readyIn(channel, 'dueque.v1.parked')) === parked + 40
    await poll(all, { what: '40 parked', timeoutMs: 30_000 })
  })

  test('is handled once by a consumer of dueque, although its producer sent it twice with one id', async () => {
    const { from, queue, channel } = await world('direct', 'k')
    const seen: string[] = []
    const mq = await open(vhost.url)
    const consumer = await mq.consume(queue, [onAny(({ id }) => void seen.push(id))])
    for (const messageId of ['one', 'one', 'two']) {
      publishDelayed(channel, from, 'k', '{}', 300, { messageId, contentType: 'application/json' })
    }
    const isOver = () => consumer.stats().handled === 2 && consumer.stats().suppressed === 1
    await poll(isOver, { what: 'two handled, one suppressed', timeoutMs: 30_000 })
    expect(seen.toSorted()).toEqual(['one', 'two'])
  })
})

describe('an intake', () => {
  test('refuses to start without the exchange for due messages', async () => {
    const refused = await failure(openIntake({ url: vhost.url, from: unique('no-due') }))
    expect(isDuequeError(refused, 'DESTINATION_MISSING')).toBe(true)
  })

  test('refuses to start on an exchange that is something else', async () => {
    const from = unique('taken')
    const channel = await rawChannel(vhost.url)
    await channel.assertExchange(from, 'topic')
    const refused = await failure(openIntake({ url: vhost.url, from, type: 'direct' }))
    expect(isDuequeError(refused, 'TOPOLOGY_MISMATCH') && refused.data.resource).toBe(`exchange ${from}`)
  })

  test('whose queue is deleted takes later messages, and those that came meanwhile are parked', async () => {
    const { from, queue, channel } = await world('direct', 'k')
    const parked = await readyIn(channel, 'dueque.v1.parked')
    await channel.deleteQueue(`${from}.intake`)
    publishDelayed(channel, from, 'k', 'meanwhile', 100)
    const comes = async () => {
      publishDelayed(channel, from, 'k', 'after', 10)
      return (await readyIn(channel, queue)) > 0
    }
    await poll(comes, { what: 'a message', timeoutMs: 30_000, intervalMs: 200 })
    expect(await readyIn(channel, 'dueque.v1.parked')).toBeGreaterThan(parked)
  })

  test('that runs in two processes shares the work', async () => {
    const { from, queue, channel, intake } = await world('fanout', '')
    const twin = await openIntake({ url: vhost.url, from, prefetch: 5 })
    for (let n = 0; n < 200; n++) publishDelayed(channel, from, 'k', String(n), 100 + n)
    await poll(async () => (await readyIn(channel, queue)) === 200, { what: '200', timeoutMs: 30_000 })
    await poll(() => intake.stats().scheduled + twin.stats().scheduled === 200, { what: '200', timeoutMs: 30_000 })
    expect(twin.stats().scheduled).toBeGreaterThan(0)
  })
})

const python = pythonWithPika()
const why = python === undefined ? ` (${NO_PIKA})` : ''

describe.skipIf(python === undefined)(`a producer in Python${why}`, () => {
  test('publishes to an intake in the form of the plugin', async () => {
    const { from, queue, channel } = await world('direct', 'reminders')
    const script = `
import os, pika
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.confirm_delivery()
properties = pika.BasicProperties(headers={"x-delay": 1200, "clinic": "west"}, delivery_mode=2, content_type="text/plain")
channel.basic_publish("${from}", "reminders", "grüße".encode(), properties)
connection.close()`
    const before = Date.now()
    await promisify(execFile)(python!, ['-c', script], {
      env: { ...process.env, AMQP_URL: vhost.url },
      timeout: 30_000,
    })
    const { content, properties } = await next(channel, queue)
    expect(Date.now() - before).toBeGreaterThanOrEqual(1200)
    expect(content.toString()).toBe('grüße')
    expect(properties).toMatchObject({ contentType: 'text/plain', headers: { clinic: 'west', 'x-delay': -1200 } })
  })
})
