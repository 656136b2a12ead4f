import { describe, expect, onTestFinished, test } from 'vitest'
import { AmqpBroker } from '../../src/amqp/amqp-broker.js'
import { quietEvents } from '../../src/amqp/connection/quiet-events.js'
import { UnroutableForwarder } from '../../src/forwarding/unroutable.js'
import type { Dueque, ParkedEvent } from '../../src/index.js'
import { resolveOptions } from '../../src/options.js'
import { openSession } from '../../src/session.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { next } from '../support/intake.js'
import { open, rawChannel } from '../support/mq.js'
import { depth, holds, PARKED } from '../support/parked.js'
import { PATTERNS, userWith } from '../support/users.js'
import { openWorld } from '../strategies/amqp-world.js'
import { Recorder, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()
const UNROUTABLE = 'dueque.v1.unroutable'

test('a message that becomes unroutable before it is due is sent on, and is not early', async () => {
  const queue = unique('lost-way')
  const mq = await open(vhost.url)
  const world = openWorld(vhost.url)
  const recorder = await Recorder.on(mq, queue)
  // Its rungs are old enough for the schedule to resolve at once.
  await scheduleNotes(mq, queue, [2500])
  await recorder.has(1)
  recorder.deliveries.length = 0
  const [receipt] = await scheduleNotes(mq, queue, [2500])
  // As after a restart on Mnesia: the rung is there, its binding not yet.
  await world.admin((channel) => channel.unbindQueue('dueque.v1.wait.2s', 'dueque.v1.next.s', 'dq~2s'))
  await recorder.has(1)
  expect(recorder.deliveries[0]!.id).toBe(receipt!.id)
  expect(recorder.early).toEqual([])
  expect(await world.parked()).toBe(0)
})

test('a queue that lost its binding is bound again, and gets its message', async () => {
  const queue = unique('unbound')
  const mq = await open(vhost.url)
  const world = openWorld(vhost.url)
  await scheduleNotes(mq, queue, [4000])
  await world.admin((channel) => channel.unbindQueue(queue, 'dueque.v1.deliver', `dq~queue~${queue}`))
  await poll(async () => (await world.depth(queue)) === 1, { timeoutMs: 30_000, what: 'the message' })
  expect((await world.take(queue))!.headers).toMatchObject({ 'dueque-rescues': 1 })
})

test('a message without a readable destination is parked unchanged, whatever its headers', async () => {
  await open(vhost.url)
  const world = openWorld(vhost.url)
  const before = await world.parked()
  const channel = await rawChannel(vhost.url)
  const strange: unknown[] = [
    undefined,
    'nonsense',
    { toString: 'x' },
    `queue:${'x'.repeat(300)}`,
    7,
    ['queue:q'],
    'queue:missing',
  ]
  for (const to of strange) {
    const headers = { 'dueque-to': to, 'dueque-due': 'soon', own: 'kept' }
    channel.sendToQueue(UNROUTABLE, Buffer.from('body'), { messageId: 'm', appId: 'foreign', headers })
  }
  channel.sendToQueue(UNROUTABLE, Buffer.from('body'), { headers: { 'dueque-to': 'queue:q', 'dueque-due': 9e15 } })
  await poll(async () => (await world.parked()) === before + strange.length + 1, {
    timeoutMs: 30_000,
    what: 'all parked',
  })
  const taken = (await world.take(PARKED))!
  expect(Buffer.from(taken.body).toString()).toBe('body')
  expect(taken.headers).toMatchObject({ own: 'kept' })
  await channel.purgeQueue(PARKED)
})

const DELIVER = 'dueque.v1.deliver'

/** Parked messages by id, and the reasons in the events. */
async function parkedBy(work: (told: ParkedEvent[], mq: Dueque) => Promise<number>) {
  const mq = await open(vhost.url)
  const told: ParkedEvent[] = []
  mq.on('parked', (event) => told.push(event))
  const channel = await rawChannel(vhost.url)
  const count = await work(told, mq)
  await holds(channel, PARKED, count)
  const headers = new Map<unknown, Record<string, unknown>>()
  for (let i = 0; i < count; i++) {
    const { properties } = await next(channel, PARKED)
    headers.set(properties.messageId, properties.headers as Record<string, unknown>)
  }
  return { told, headers, channel }
}

const toUnknown = (messageId: string, to: string, rescues: number, rest: object = {}) => ({
  type: 'm',
  messageId,
  headers: { 'dueque-to': to, 'dueque-rescues': rescues, ...rest },
})

describe.skipIf(managementUrl() === undefined)(
  'a producer with least privilege (the management API creates the users)',
  () => {
    const bindings = async () => {
      const found = await management<{ routing_key: string }[]>(`/exchanges/${vhost.name}/${DELIVER}/bindings/source`)
      return found.map(({ routing_key }) => routing_key)
    }

    test('reaches queues that are bound in its namespace, and no others through a process with wider rights', async () => {
      const [bound, payroll, audit] = [unique('bound'), unique('payroll'), unique('audit')]
      const admin = await rawChannel(vhost.url)
      await admin.assertQueue(payroll)
      await admin.assertQueue(audit)
      await admin.assertExchange(audit, 'fanout')
      await admin.bindQueue(audit, audit, '')
      const { told, headers } = await parkedBy(async (_, mq) => {
        await scheduleNotes(mq, bound, [0])
        await next(admin, bound)
        const producer = await rawChannel(await userWith(vhost, PATTERNS.producer))
        // Permissions of a namespace do not prevent this.
        producer.publish(DELIVER, 'k', Buffer.from('{}'), { headers: { BCC: [`dq~queue~${bound}`] } })
        expect((await next(admin, bound)).fields.routingKey).toBe('k')
        producer.publish(DELIVER, 'k', Buffer.from('{}'), toUnknown('p', `queue:${payroll}`, 0))
        producer.publish(DELIVER, 'k', Buffer.from('{}'), toUnknown('a', `exchange:${audit}`, 2))
        return 2
      })
      expect(await depth(admin, payroll)).toBe(0)
      expect(await depth(admin, audit)).toBe(0)
      expect((await bindings()).filter((key) => key.includes(payroll) || key.includes(audit))).toEqual([])
      for (const id of ['p', 'a']) expect(headers.get(id)).toMatchObject({ 'dueque-parked-reason': 'not-bound' })
      const byId = told.sort((one, other) => (one.id! < other.id! ? -1 : 1))
      expect(byId).toEqual([
        { id: 'a', name: 'm', to: `exchange:${audit}`, reason: 'not-bound' },
        { id: 'p', name: 'm', to: `queue:${payroll}`, reason: 'not-bound' },
      ])
    })
  },
)

test('a message that keeps failing is parked with the error, and delays none behind it', async () => {
  const queue = unique('behind')
  const mq = await open(vhost.url)
  const recorder = await Recorder.on(mq, queue)
  const owner = await rawChannel(vhost.url)
  const { queue: exclusive } = await owner.assertQueue('', { exclusive: true })
  const count = 150
  const { headers } = await parkedBy(async (told) => {
    for (let i = 0; i < count; i++)
      owner.publish(DELIVER, 'k', Buffer.from('{}'), toUnknown(`m-${i}`, `queue:${exclusive}`, 0))
    owner.publish(DELIVER, 'k', Buffer.from('{"n":1}'), {
      ...toUnknown('behind', `queue:${queue}`, 0),
      type: 'test.note',
    })
    await recorder.has(1)
    expect(told.length).toBeLessThan(count)
    return count
  })
  expect(headers.get('m-0')).toMatchObject({
    'dueque-parked-reason': 'failed',
    'dueque-parked-error': expect.stringContaining('RESOURCE_LOCKED') as string,
  })
})

test('the message carries the reason: a missing destination, none, or a reserved name', async () => {
  const { headers } = await parkedBy(async () => {
    const channel = await rawChannel(vhost.url)
    const stale = { 'dueque-parked-error': 'forged' }
    channel.sendToQueue(UNROUTABLE, Buffer.from('{}'), toUnknown('missing', 'queue:missing', 0, stale))
    channel.sendToQueue(UNROUTABLE, Buffer.from('{}'), toUnknown('none', 'nowhere', 0))
    channel.sendToQueue(UNROUTABLE, Buffer.from('{}'), toUnknown('reserved', 'queue:dueque.v1.wait.1s', 0))
    return Promise.resolve(3)
  })
  const reasons = [...headers].map(([id, all]) => [id, all['dueque-parked-reason'], all['dueque-parked-error']])
  expect(reasons.sort()).toEqual([
    ['missing', 'missing', undefined],
    ['none', 'no-destination', undefined],
    ['reserved', 'reserved', undefined],
  ])
})

test('a foreign message that returns before it is due does not make a producer check its topology again', async () => {
  const queue = unique('known')
  const options = resolveOptions({ url: vhost.url })
  const broker = new AmqpBroker(options, quietEvents())
  const session = await openSession(broker, options, { onError: () => undefined })
  onTestFinished(() => session.close())
  const { strategy, clock, logger } = options
  const rescue = await new UnroutableForwarder(broker, { strategy, clock, logger }).start()
  onTestFinished(() => rescue.close())
  await broker.topology.destination({ queue }, true)
  const { epoch } = broker.topology
  const channel = await rawChannel(vhost.url)
  const later = { 'dueque-due': Date.now() + 1000 }
  channel.publish(DELIVER, 'k', Buffer.from('{}'), toUnknown('m', `queue:${queue}`, 0, later))
  await holds(channel, queue, 1)
  expect(broker.topology.epoch).toBe(epoch)
  expect(broker.topology.isReady({ queue }, [])).toBe(true)
})
