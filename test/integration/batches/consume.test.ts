import { setTimeout as pause } from 'node:timers/promises'
import { expect, test, vi, type TestContext } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import {
  connect,
  ladder,
  on,
  type ConnectOptions,
  type ConsumeOptions,
  type LadderStrategy,
} from '../../../src/index.js'
import { batchQueue } from '../../../src/message/batch.js'
import { note, unique, type Note } from '../../strategies/recorder.js'
import { batchOf, dueNow, noteItem, send, sendNotes } from '../../support/batch-of.js'
import { poll, useVhost } from '../../support/broker.js'
import { abandon } from '../../support/dead.js'
import { depth, holds, idsIn } from '../../support/parked.js'
import { connect as connectRaw } from 'amqplib'

const vhost = useVhost()
const from0to = (count: number) => Array.from({ length: count }, (_, n) => n)

type Handle = (delivery: Note) => unknown

/** One queue, its consumers, each on a connection of its own, and all starts of handlers. Ends with the test. */
class World {
  readonly queue = unique('batches')
  readonly starts: { n: number; attempt: number; lateMs: number }[] = []
  readonly #test: TestContext

  constructor(test: TestContext) {
    this.#test = test
  }

  async connected(options: ConnectOptions<LadderStrategy> = {}) {
    const mq = await connect({ url: vhost.url, ...options })
    this.#test.onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
    return mq
  }

  async consumer(
    handle: Handle = () => undefined,
    consume: ConsumeOptions = {},
    options: ConnectOptions<LadderStrategy> = {},
  ) {
    const mq = await this.connected(options)
    const handler = on(note, (delivery) => {
      const { payload, attempt, dueAt } = delivery
      this.starts.push({ n: payload.n, attempt, lateMs: Date.now() - dueAt.getTime() })
      return handle(delivery)
    })
    const consumer = await mq.consume(this.queue, [handler], { batches: true, ...consume })
    return { mq, consumer }
  }

  async raw() {
    const model = await connectRaw(vhost.url)
    this.#test.onTestFinished(() => model.close())
    return model.createChannel()
  }

  get numbers(): number[] {
    return this.starts.map(({ n }) => n).toSorted((a, b) => a - b)
  }

  async has(count: number): Promise<void> {
    await poll(() => this.starts.length >= count, { what: `${count} handlers`, timeoutMs: 30_000 })
    expect(this.starts.filter(({ lateMs }) => lateMs < 0)).toEqual([])
  }

  /** Whether nothing is left, once the consumers are closed. */
  async isEmpty(): Promise<void> {
    const channel = await this.raw()
    for (const name of [this.queue, batchQueue(this.queue)])
      expect([name, await depth(channel, name)]).toEqual([name, 0])
  }
}

/** Handlers that the test ends. */
function gate() {
  let open = () => undefined as void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

test.concurrent(
  'the items of a batch that waits on the ladder are handled once each, none before it is due',
  async (test) => {
    const world = new World(test)
    const { mq, consumer } = await world.consumer()
    const from = Date.now() + 1500
    await sendNotes(
      mq,
      world.queue,
      from0to(64).map((n) => from + ((n * 37) % 1000)),
    )
    await world.has(64)
    await consumer.close()
    expect(world.numbers).toEqual(from0to(64))
    await world.isEmpty()
  },
)

test.concurrent('retries, dead letters and cancellations concern items', async (test) => {
  const world = new World(test)
  const handle: Handle = ({ payload: { n }, attempt, deadLetter }) => {
    if (n === 1 && attempt === 1) throw new Error('not yet')
    if (n === 2) deadLetter('no such room')
  }
  const { mq, consumer } = await world.consumer(handle, { retry: { attempts: 2, backoff: 10 } })
  const items = from0to(5).map((n) => noteItem(world.queue, n, Date.now() + 2000))
  const { id, revision } = items[3]!
  const [destination, dueAt] = [{ queue: world.queue }, new Date(items[3]!.dueAt).toISOString()]
  await mq.cancel({ id, revision, dueAt, destination })
  await send(mq, batchOf(items))
  await world.has(5)
  await poll(() => consumer.stats().dead === 1, { what: 'the dead item' })
  await consumer.close()
  expect(world.numbers).toEqual([0, 1, 1, 2, 4])
  expect(consumer.stats()).toMatchObject({ handled: 3, retried: 1, dead: 1, cancelled: 1 })
  expect(await idsIn(await world.raw(), `${world.queue}.dead`)).toEqual([`${world.queue}-2`])
  await world.isEmpty()
})

test.concurrent('after a cut connection the batch comes again, and no settled item is handled again', async (test) => {
  const world = new World(test)
  const proxy = await TcpProxy.to(vhost.url)
  test.onTestFinished(() => proxy.close())
  const slow = gate()
  const handle: Handle = ({ payload: { n } }) => (n === 0 ? slow.opened : undefined)
  // The batch alone remembers what is settled.
  const { mq, consumer } = await world.consumer(handle, { duplicates: { maxEntries: 0 } }, { url: proxy.url() })
  await sendNotes(mq, world.queue, [...dueNow(10), Date.now() + 4000])
  await poll(() => consumer.stats().handled >= 9, { what: 'nine handled' })
  proxy.cut()
  await poll(() => consumer.stats().following === 1, { what: 'the batch again', timeoutMs: 20_000 })
  slow.open()
  await world.has(11)
  await poll(() => consumer.stats().suppressed === 1, { what: 'the copy of the slow one' })
  await consumer.close()
  expect(world.numbers).toEqual(from0to(11))
  await world.isEmpty()
})

test.concurrent('every item of an abandoned batch is published singly before a handler runs', async (test) => {
  const world = new World(test)
  const { mq, consumer } = await world.consumer()
  await consumer.close()
  await sendNotes(mq, world.queue, [...dueNow(20), Date.now() + 4000])
  await holds(await world.raw(), batchQueue(world.queue), 1)
  await abandon(vhost.url, batchQueue(world.queue), 1)
  const strategy = ladder()
  const schedule = vi.spyOn(strategy, 'schedule')
  const published: number[] = []
  const other = await world.consumer(() => void published.push(schedule.mock.calls.length), {}, { strategy })
  await world.has(21)
  await other.consumer.close()
  expect([world.numbers, Math.min(...published)]).toEqual([from0to(21), 21])
  await world.isEmpty()
})

test.concurrent('a batch of slow items is shared among three consumers', async (test) => {
  const world = new World(test)
  const consumers = [1, 2, 3].map(() => world.consumer(() => pause(1000)))
  const [{ mq }] = (await Promise.all(consumers)) as [Awaited<(typeof consumers)[0]>]
  const start = performance.now()
  await sendNotes(mq, world.queue, dueNow(64))
  const all = await Promise.all(consumers)
  const handled = () => all.map(({ consumer }) => consumer.stats().handled)
  const sum = () => handled().reduce((total, count) => total + count, 0)
  await poll(() => sum() === 64, { what: 'all handled', timeoutMs: 30_000 })
  expect(performance.now() - start).toBeLessThan(9000)
  expect([world.numbers, Math.min(...handled()) > 5]).toEqual([from0to(64), true])
})

test.concurrent(
  'a consumer that closes gives the rest of a batch back singly, and batches that have not begun whole',
  async (test) => {
    const world = new World(test)
    const third = gate()
    const handle: Handle = ({ payload: { n } }) => (n === 2 ? third.opened : undefined)
    const { mq, consumer } = await world.consumer(handle, { concurrency: 1 })
    await sendNotes(mq, world.queue, dueNow(30))
    await world.has(3)
    const held = [100, 101].map((n) => noteItem(world.queue, n, Date.now() + 8000))
    await send(mq, batchOf(held, { dueAt: Date.now() }))
    await poll(() => consumer.stats().held === 2, { what: 'the held batch' })
    const closed = consumer.close()
    third.open()
    await closed
    expect(world.numbers).toEqual([0, 1, 2])
    const channel = await world.raw()
    await holds(channel, world.queue, 27)
    await holds(channel, batchQueue(world.queue), 1)
    const other = await world.consumer()
    await world.has(32)
    await other.consumer.close()
    expect(world.numbers).toEqual([...from0to(30), 100, 101])
    await world.isEmpty()
  },
)

test.concurrent('of a handler that goes on beyond the close only its own item comes again', async (test) => {
  const world = new World(test)
  const endless = gate()
  const handle: Handle = ({ payload: { n } }) => (n === 2 ? endless.opened : undefined)
  const { mq, consumer } = await world.consumer(handle, { concurrency: 2 })
  await sendNotes(mq, world.queue, dueNow(30))
  await poll(() => consumer.stats().handled === 29, { what: '29 handled' })
  await consumer.close({ drainTimeoutMs: 5000 })
  const channel = await world.raw()
  await holds(channel, world.queue, 1)
  await holds(channel, batchQueue(world.queue), 0)
  endless.open()
  const other = await world.consumer()
  await world.has(31)
  await other.consumer.close()
  expect(world.numbers).toEqual([...from0to(30), 2].toSorted((a, b) => a - b))
  await world.isEmpty()
})

test.concurrent('messages that the broker or a consumer gives up are in the dead queue of the items', async (test) => {
  const world = new World(test)
  const { mq, consumer } = await world.consumer()
  await send(mq, batchOf([noteItem(world.queue, 1, 0)], { id: 'cut', headers: { 'dueque-items': 2 } }))
  await poll(() => consumer.stats().dead === 1, { what: 'the unreadable batch' })
  await consumer.close()
  await send(mq, batchOf([noteItem(world.queue, 1, 0)], { id: 'refused' }))
  const channel = await world.raw()
  await holds(channel, batchQueue(world.queue), 1)
  const message = await channel.get(batchQueue(world.queue))
  if (message) channel.nack(message, false, false)
  await holds(channel, `${world.queue}.dead`, 2)
  expect(await idsIn(channel, `${world.queue}.dead`)).toEqual(['cut', 'refused'])
})

test.concurrent(
  'with topology trust a consumer takes batches from a queue that is there, and declares nothing',
  async (test) => {
    const world = new World(test)
    const { consumer } = await world.consumer()
    await consumer.close()
    const trusting = await world.consumer(undefined, { declare: false }, { topology: 'trust' })
    await sendNotes(trusting.mq, world.queue, dueNow(3))
    await world.has(3)
    const missing = { queue: unique('missing'), options: { batches: true, declare: false } }
    const refused = trusting.mq.consume(missing.queue, [on(note, () => undefined)], missing.options)
    await expect(refused).rejects.toMatchObject({ code: 'DESTINATION_MISSING' })
    const plain = await world.connected()
    await plain.consume(missing.queue, [on(note, () => undefined)])
    const hint = `consume ${missing.queue} with { batches: true } first`
    await expect(plain.consume(missing.queue, [on(note, () => undefined)], missing.options)).rejects.toThrow(hint)
  },
)
