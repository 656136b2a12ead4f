import { expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'
import { open, rawChannel } from '../support/mq.js'
import { openWorld } from '../strategies/amqp-world.js'
import { Recorder, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()
const UNROUTABLE = 'dueque.v1.unroutable'

test('a message that loses its way before it is due is sent on, and is not early', async () => {
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

test('what does not say where it belongs is parked as it is, whatever is in its headers', async () => {
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
  const taken = (await world.take('dueque.v1.parked'))!
  expect(Buffer.from(taken.body).toString()).toBe('body')
  expect(taken.headers).toMatchObject({ own: 'kept' })
})
