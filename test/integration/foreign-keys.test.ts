import type { Channel } from 'amqplib'
import { expect, test } from 'vitest'
import { parkedSentOn } from '../../src/operate/failed/parked-messages.js'
import { on } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { next } from '../support/intake.js'
import { open, rawChannel } from '../support/mq.js'
import { depth, holds, PARKED } from '../support/parked.js'
import { redriveParked } from '../support/redrive.js'
import { note, Recorder, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()

/** A queue of the namespace, which a foreign message names in its headers, and a channel. */
async function world() {
  const victim = unique('victim')
  const mq = await open(vhost.url)
  await scheduleNotes(mq, victim, [0])
  const channel = await rawChannel(vhost.url)
  await next(channel, victim)
  const CC = [`dq~queue~${victim}`, `dq~queue~${victim}.dead`]
  const send = (queue: string, type: string, headers: object = {}) =>
    channel.sendToQueue(queue, Buffer.from('{"n":1}'), {
      type,
      messageId: unique('m'),
      headers: { CC, 'dueque-revision': 1, ...headers },
    })
  return { victim, mq, channel, send }
}

async function headersOfNext(channel: Channel, queue: string) {
  return (await next(channel, queue)).properties.headers as Record<string, unknown>
}

test('the CC header of a foreign message does not route its retries, dead, parked or redriven copies', async () => {
  const { victim, mq, channel, send } = await world()
  const queue = unique('queue')
  let calls = 0
  const handler = on(note, () => {
    if (++calls === 1) throw new Error('once')
  })
  await mq.consume(queue, [handler], { retry: { attempts: 2, backoff: 10 } })
  send(queue, note.name)
  await poll(() => calls === 2, { what: 'the second attempt', timeoutMs: 30_000 })
  send(queue, 'unknown')
  expect(await headersOfNext(channel, `${queue}.dead`)).not.toHaveProperty('CC')
  send('dueque.v1.unroutable', note.name, { 'dueque-to': 'queue:missing' })
  expect(await headersOfNext(channel, PARKED)).not.toHaveProperty('CC')
  send('dueque.v1.unroutable', note.name, { 'dueque-to': `queue:${queue}` })
  await poll(() => calls === 3, { what: 'the third message', timeoutMs: 30_000 })
  expect(await depth(channel, victim)).toBe(0)
})

test('a parked message with a CC header is sent on to its destination alone', async () => {
  const { victim, channel, send } = await world()
  const queue = unique('queue')
  await channel.assertQueue(queue)
  send(PARKED, note.name)
  await holds(channel, PARKED, 1)
  await redriveParked(vhost.url, { sentOn: (stored) => parkedSentOn(stored, { queue }, Date.now()) })
  expect(await headersOfNext(channel, queue)).not.toHaveProperty('CC')
  expect(await depth(channel, victim)).toBe(0)
})

test('a routing key reserved by dueque does not route a dead message to another dead queue', async () => {
  const { victim, mq, channel } = await world()
  const [queue, exchange] = [unique('queue'), unique('exchange')]
  await Recorder.on(mq, queue)
  await Recorder.on(mq, victim)
  await channel.assertExchange(exchange, 'fanout')
  await channel.bindQueue(queue, exchange, '')
  channel.publish(exchange, `dq~queue~${victim}.dead`, Buffer.from('{}'), { type: 'unknown' })
  expect((await next(channel, `${queue}.dead`)).fields.routingKey).toBe('')
  expect(await depth(channel, `${victim}.dead`)).toBe(0)
})
