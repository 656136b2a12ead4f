import type { Channel } from 'amqplib'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { deadSentOn } from '../../src/operate/failed/dead-letters.js'
import { Declarer } from '../../src/amqp/topology/declarer.js'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { on } from '../../src/index.js'
import { abandon, declareWorn } from '../support/dead.js'
import { poll, useVhost } from '../support/broker.js'
import { open, rawChannel } from '../support/mq.js'
import { depth, holds } from '../support/parked.js'
import { redriveParked } from '../support/redrive.js'
import { note, Recorder, unique } from '../strategies/recorder.js'

const vhost = useVhost()
let channel: Channel

beforeEach(async () => {
  channel = await rawChannel(vhost.url)
})

/** A consumer with a concurrency of 1 over a connection that can be cut; its first handler runs until the test ends it. */
async function slowConsumer(queue: string) {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const mq = await open(proxy.url())
  let lost = 0
  mq.on('disconnected', () => lost++)
  const started: number[] = []
  let end = () => undefined as void
  const told = new Promise<void>((resolve) => (end = resolve))
  const handler = on(note, async ({ payload: { n } }) => {
    started.push(n)
    if (n === 0) await told
  })
  const consumer = await mq.consume(queue, [handler], { concurrency: 1, prefetch: 20 })
  const send = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: 0 })
  /** Resolves when the broker has delivered everything again. */
  const cut = async () => {
    const before = lost
    proxy.cut()
    const isBack = async () => lost >= before + 2 && mq.health().ok && (await depth(channel, queue)) === 0
    await poll(isBack, { what: 'the copies', timeoutMs: 20_000 })
  }
  return { consumer, started, send, cut, end }
}

test('cut connections dead-letter no message, neither a running nor an unhandled one', async () => {
  const queue = unique('cut')
  const { consumer, started, send, cut, end } = await slowConsumer(queue)
  for (let n = 0; n < 4; n++) await send(n)
  await poll(() => started.length === 1, { what: 'the first message' })
  for (let cuts = 0; cuts < 24; cuts++) await cut()
  expect(await depth(channel, `${queue}.dead`)).toBe(0)
  end()
  await poll(() => started.length === 4, { what: 'the others' })
  await consumer.close()
  expect(started).toEqual([0, 1, 2, 3])
  expect([await depth(channel, queue), await depth(channel, `${queue}.dead`)]).toEqual([0, 0])
})

test('an existing queue keeps its delivery limit, and a redrive does not repeat a message that was handled meanwhile', async () => {
  const queue = unique('limit')
  await declareWorn(channel, queue, 2)
  const { consumer, started, send, cut, end } = await slowConsumer(queue)
  await send(0)
  await poll(() => started.length === 1, { what: 'the message' })
  for (let cuts = 0; cuts < 3; cuts++) await cut()
  await holds(channel, `${queue}.dead`, 1)
  end()
  await poll(() => consumer.stats().handled === 1, { what: 'the end of the handler' })
  const { suppressed } = consumer.stats()
  const sentOn = (stored: Parameters<typeof deadSentOn>[0]) => deadSentOn(stored, queue, undefined, Date.now())
  expect(await redriveParked(vhost.url, { sentOn }, `${queue}.dead`)).toMatchObject({ left: [] })
  await poll(() => consumer.stats().suppressed > suppressed, { what: 'the copy' })
  expect(started).toEqual([0])
})

test('a message that its processes abandon again and again is dead-lettered, and one not yet due is handled', async () => {
  const [patient, worn] = [unique('abandoned'), unique('abandoned')]
  const mq = await open(vhost.url)
  const dead: unknown[] = []
  mq.on('dead', (event) => dead.push(event))
  for (const [queue, times] of [
    [patient, 50],
    [worn, 51],
  ] as const) {
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0, declare: true, id: queue })
    await abandon(vhost.url, queue, times)
  }
  const recorder = await Recorder.on(mq, patient)
  await recorder.has(1)
  await mq.consume(worn, [on(note, () => expect.unreachable())])
  await holds(channel, `${worn}.dead`, 1)
  await poll(() => dead.length === 1, { what: 'the event' })
  expect(dead).toMatchObject([{ queue: worn, id: worn, attempt: 1, reason: 'delivery-limit' }])
})

test('a queue that another version declares at the same moment is used unchanged', async () => {
  const queue = unique('race')
  const look = Object.getOwnPropertyDescriptor(Declarer.prototype, 'exists')!.value as Declarer['exists']
  const exists = vi.spyOn(Declarer.prototype, 'exists')
  onTestFinished(() => exists.mockRestore())
  exists.mockImplementation(async function (this: Declarer, kind, name) {
    const isThere = await look.call(this, kind, name)
    // Behind the look, and before the declaration.
    if (name === queue && !isThere) await declareWorn(channel, queue, 20)
    return isThere
  })
  const mq = await open(vhost.url)
  const recorder = await Recorder.on(mq, queue)
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
  await recorder.has(1)
})
