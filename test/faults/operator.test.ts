import type { Channel, ConsumeMessage } from 'amqplib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { createVhost, management, managementUrl, poll, useVhost } from '../support/broker.js'
import { rawChannel } from '../support/mq.js'
import { PARKED } from '../support/parked.js'
import { userWith } from '../support/users.js'
import { unique } from '../strategies/recorder.js'
import { AtWork } from './at-work.js'

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()
const ALL = { configure: '.*', write: '.*', read: '.*' }

test('the queue is deleted: the consumer declares it again, and messages due from then on arrive', async () => {
  const work = await AtWork.start(vhost.url)
  const channel = await rawChannel(vhost.url)
  await channel.deleteQueue(work.queue)
  await work.flows('after the deletion')
  const backAt = Date.now()
  // The messages of the queue are deleted with it.
  await work.account((n) => work.load.dueAt[n]! < backAt)
  expect(work.load.failures).toEqual([])
  expect(work.events).not.toContain('disconnected')
})

test('the queue is missing for a while: messages due meanwhile are parked, the rest arrives when it is declared', async () => {
  const queue = unique('missing')
  const channel = await rawChannel(vhost.url)
  const declare = () => channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } })
  await declare()
  const work = await AtWork.start(vhost.url, { queue, consume: { declare: false } })
  const parked = await numbersIn(channel, PARKED)
  await channel.deleteQueue(queue)
  const deletedAt = Date.now()
  await work.sees('error DESTINATION_MISSING')
  expect(work.mq.health()).toMatchObject({ ok: false, producer: 'up', consumer: 'down' })
  await poll(() => parked.size > 0, { what: 'a parked message', timeoutMs: 60_000 })
  // Without its binding, which dueque restores.
  await declare()
  await work.flows('after the declaration')
  await work.account((n) => parked.has(n) || work.load.dueAt[n]! < deletedAt)
  expect(work.load.failures).toEqual([])
  expect(work.mq.health().ok).toBe(true)
})

test('an exchange is deleted: the broker closes the channel, and every publish in flight is repeated', async () => {
  const work = await AtWork.start(vhost.url)
  const channel = await rawChannel(vhost.url)
  for (const exchange of ['dueque.v1.entry.s', 'dueque.v1.deliver']) {
    await channel.deleteExchange(exchange)
    await work.flows(`after the deletion of ${exchange}`)
  }
  await work.account()
  expect(work.load.failures).toEqual([])
  expect(work.events).not.toContain('disconnected')
})

describe.skipIf(managementUrl() === undefined)('an operator (skipped without the management API)', () => {
  test('the vhost is deleted and created again: waiting messages are lost, everything else goes on', async () => {
    const own = await createVhost()
    onTestFinished(() => own.drop().catch(() => undefined))
    const work = await AtWork.start(own.url)
    await management(`/vhosts/${own.name}`, { method: 'DELETE' })
    const gone = work.load.count
    await work.sees('error VHOST_REFUSED')
    expect(work.mq.health()).toMatchObject({ ok: false, producer: 'down', consumer: 'down' })
    await management(`/vhosts/${own.name}`, { method: 'PUT' })
    await management(`/permissions/${own.name}/${new URL(own.url).username}`, { method: 'PUT', body: ALL })
    await work.flows('in the new vhost')
    await work.account((n) => n < gone)
    // Until the consumer has declared the queue again, at most.
    for (const error of work.load.failures) {
      expect(error).toMatchObject({ code: expect.stringMatching('DESTINATION_MISSING|PERMISSION_DENIED') as string })
    }
    expect(work.events).toEqual(expect.arrayContaining(['disconnected', 'reconnected']))
  })

  test('password, user and permissions are revoked: each try fails, and everything goes on when they are back', async () => {
    const url = new URL(await userWith(vhost, ALL))
    const user = `/users/${url.username}`
    const permit = (body: object) => management(`/permissions/${vhost.name}/${url.username}`, { method: 'PUT', body })
    const proxy = await TcpProxy.to(vhost.url)
    onTestFinished(() => proxy.close())
    const work = await AtWork.start(proxy.url(url.href))

    await management(user, { method: 'PUT', body: { password: 'other', tags: '' } })
    await work.flows('over the connections that are open')
    proxy.cut()
    await work.sees('error AUTHENTICATION_FAILED')
    await management(user, { method: 'PUT', body: { password: url.password, tags: '' } })
    await work.flows('with the old password')

    work.events.length = 0
    await management(user, { method: 'DELETE' })
    await work.sees('error AUTHENTICATION_FAILED')
    await management(user, { method: 'PUT', body: { password: url.password, tags: '' } })
    await permit(ALL)
    await work.flows('as the same user')

    await permit({ configure: '^$', write: '^$', read: '^$' })
    proxy.cut()
    await work.sees('error PERMISSION_DENIED')
    await poll(() => work.load.failed.size > 0, { what: 'a refusal', timeoutMs: 60_000 })
    await permit(ALL)
    await work.flows('with the old permissions')
    await work.account()
    for (const error of work.load.failures) expect(error).toMatchObject({ code: 'PERMISSION_DENIED' })
    await management(user, { method: 'DELETE' })
  })
})

/** Consumes the messages that enter a queue from now on. */
async function numbersIn(channel: Channel, queue: string): Promise<ReadonlySet<number>> {
  const numbers = new Set<number>()
  const take = (message: ConsumeMessage | null) => {
    if (message) numbers.add((JSON.parse(message.content.toString()) as { n: number }).n)
  }
  await channel.consume(queue, take, { noAck: true })
  return numbers
}
