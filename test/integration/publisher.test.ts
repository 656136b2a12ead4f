import { AsyncLocalStorage } from 'node:async_hooks'
import { connect as connectRaw, type ConfirmChannel, type Options } from 'amqplib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AmqpConnection } from '../../src/amqp/connection/connection.js'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { quietEvents } from '../../src/amqp/connection/quiet-events.js'
import { Publisher } from '../../src/amqp/publish/publisher.js'
import { silent, type Logger } from '../../src/base/logger.js'
import type { DuequeError } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { ConfirmProxy } from '../support/confirm-proxy.js'
import { open } from '../support/mq.js'
import { processorMs } from '../unit/processor-ms.js'
import { note, unique } from '../strategies/recorder.js'

const vhost = useVhost()

const outcomes = (schedules: readonly Promise<unknown>[]) =>
  Promise.all(
    schedules.map((schedule) =>
      schedule.then(
        () => 'confirmed',
        (error: unknown) => (error as DuequeError).code as string,
      ),
    ),
  )

const counted = (all: readonly string[]) => {
  const counts: Record<string, number> = {}
  for (const one of all) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

test.each(['one signal for all', 'a signal for each'])(
  'an abort ends 20,000 waiting schedules at once, with %s',
  async (kind) => {
    const warned = vi.fn()
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const queue = unique('abort')
    const mq = await open(vhost.url, { maxInFlight: 100 })
    await mq.schedule(note, { n: 0 }, { to: { queue }, in: 0, declare: true })
    const shared = new AbortController()
    const controllers = Array.from({ length: 20_000 }, () =>
      kind === 'one signal for all' ? shared : new AbortController(),
    )
    // Processor time does not depend on other programs.
    const startedAt = processorMs()
    const schedules = controllers.map(({ signal }, n) => mq.schedule(note, { n }, { to: { queue }, in: 0, signal }))
    const settled = outcomes(schedules)
    const abortedAt = processorMs()
    for (const controller of new Set(controllers)) controller.abort(new Error('enough'))
    expect(processorMs() - abortedAt).toBeLessThan(2 * (abortedAt - startedAt) + 1000)
    expect(mq.health().waitingForConfirm).toBe(0)
    expect(counted(await settled)).toEqual({ ABORTED: 20_000 })
    await mq.schedule(note, { n: 0 }, { to: { queue }, in: 0 })
    expect(warned).not.toHaveBeenCalled()
  },
)

test('a publish that waits for room runs in the async context of its own schedule', async () => {
  const storage = new AsyncLocalStorage<string>()
  const published: [id: string, context: string | undefined][] = []
  await wrapPublish(({ messageId }) => published.push([messageId!, storage.getStore()]))
  const queue = unique('context')
  const mq = await open(vhost.url, { maxInFlight: 1 })
  const schedule = (id: string, delay: number) =>
    storage.run(id, () => mq.schedule(note, { n: 0 }, { to: { queue }, in: delay, id, declare: true }))
  // The first one waits for the topology, all others for a confirm; the process waits for the odd milliseconds.
  await Promise.all(Array.from({ length: 20 }, (_, i) => schedule(`id-${i}`, i < 10 ? 1000 : 1000 + i)))
  expect(published.length).toBeGreaterThanOrEqual(20)
  expect(published.filter(([id, context]) => id !== context)).toEqual([])
})

test('50,000 schedules for one instant are confirmed, although every rung is missing at first', async () => {
  const queue = unique('bulk')
  const mq = await open(vhost.url, { namespace: unique('bulk'), publishTimeoutMs: 60_000 })
  await mq.schedule(note, { n: 0 }, { to: { queue }, in: '1h', declare: true })
  const at = new Date(Date.now() + 60_000)
  const schedules = Array.from({ length: 50_000 }, (_, n) => mq.schedule(note, { n }, { to: { queue }, at }))
  expect(counted(await outcomes(schedules))).toEqual({ confirmed: 50_000 })
}, 120_000)

/** Calls `listener` at each publish of any channel, as instrumentation of amqplib does, until the test ends. */
async function wrapPublish(listener: (options: Options.Publish) => void): Promise<void> {
  const model = await connectRaw(vhost.url)
  const prototype = Object.getPrototypeOf(await model.createConfirmChannel()) as ConfirmChannel
  await model.close()
  const plain: ConfirmChannel['publish'] = Reflect.get(prototype, 'publish')
  onTestFinished(() => void Reflect.set(prototype, 'publish', plain))
  prototype.publish = function (this: ConfirmChannel, ...args) {
    listener(args[3]!)
    return plain.apply(this, args)
  }
}

test('a message without a time limit whose confirm is lost on a connection that stays alive is sent again on another channel', async () => {
  const queue = unique('silent')
  const model = await connectRaw(vhost.url)
  onTestFinished(() => model.close())
  const channel = await model.createChannel()
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  const proxy = await ConfirmProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const warn = vi.fn()
  const disconnected = vi.fn()
  const publisher = await publisherAt(proxy.url, { ...silent, warn }, disconnected)

  let lost = 0
  proxy.swallows = () => lost++ === 1
  const plan = { prepare: () => ({ exchange: '', routingKey: queue, options: {} }), safeAt: () => 0 }
  const publish = (id: string, timeoutMs: number) =>
    publisher.publish({ id, revision: 1, body: Buffer.from(id) }, plan, { timeoutMs })
  // Only the second is not answered.
  await publish('before', Infinity)
  const held = publish('held', Infinity)
  await publish('after', 30_000)
  expect(publisher.unsettled).toBe(1)
  await held
  expect(warn.mock.calls).toEqual([[expect.stringContaining('another channel'), { silent: 1 }]])
  expect(disconnected).not.toHaveBeenCalled()
  await publish('later', 30_000)

  const ids: string[] = []
  await channel.consume(queue, (message) => message && ids.push(message.content.toString()), { noAck: true })
  await vi.waitFor(() => expect(ids).toHaveLength(5), { timeout: 20_000 })
  expect(ids.toSorted()).toEqual(['after', 'before', 'held', 'held', 'later'])
})

/** A publisher that takes five seconds for silence. */
async function publisherAt(url: string, logger: Logger, disconnected: () => void): Promise<Publisher> {
  const settings = {
    endpoints: parseEndpoints(url),
    name: 'silence',
    heartbeatSeconds: 30,
    connectTimeoutMs: 30_000,
    tls: {},
    logger,
  }
  const connection = new AmqpConnection(settings, quietEvents({ disconnected }))
  await connection.open()
  onTestFinished(() => connection.close())
  const topology = { epoch: 0, returned: () => undefined }
  return new Publisher(connection, { maxInFlight: 100, timeoutMs: 30_000, topology, logger, silentMs: 5000 })
}
