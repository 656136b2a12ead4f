import { once } from 'node:events'
import { expect, test, vi, type TestContext } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { connect, on, type ConsumeOptions, type DelayedMessage } from '../../src/index.js'
import { batchQueue } from '../../src/message/batch.js'
import { note, unique, type Note } from '../strategies/recorder.js'
import { batchOf, noteItem, send } from '../support/batch-of.js'
import { poll, useVhost } from '../support/broker.js'
import { depth, holds, idsIn } from '../support/parked.js'
import { memoryDedupe } from '../support/memory-dedupe.js'
import { connect as connectRaw } from 'amqplib'
import { HandlerLog } from './handler-log.js'

vi.setConfig({ testTimeout: 120_000 })

const vhost = useVhost()
const COUNT = 64

/** A consumer of batches in this process, with the numbers that it has handled. */
async function consumer(
  test: TestContext,
  queue: string,
  {
    url = vhost.url,
    handle = () => undefined,
    ...options
  }: ConsumeOptions & { url?: string; handle?: (n: Note) => unknown } = {},
) {
  const mq = await connect({ url })
  test.onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const numbers: number[] = []
  const handler = on(note, async (delivery) => {
    expect(Date.now()).toBeGreaterThanOrEqual(delivery.dueAt.getTime())
    await handle(delivery)
    numbers.push(delivery.payload.n)
  })
  const consumer = await mq.consume(queue, [handler], { batches: true, ...options })
  return { mq, consumer, numbers }
}

/** A batch of notes, one of which has a text. */
function notes(queue: string, special: number, text: string): DelayedMessage {
  const body = (n: number) => Buffer.from(JSON.stringify({ n, ...(n === special && { text }) }))
  return batchOf(Array.from({ length: COUNT }, (_, n) => noteItem(queue, n, Date.now(), { body: body(n) })))
}

async function raw(test: TestContext) {
  const model = await connectRaw(vhost.url)
  test.onTestFinished(() => model.close())
  return model.createChannel()
}

/** A consumer in its own process, with its log. */
async function inItsOwnProcess(test: TestContext) {
  const log = new HandlerLog(unique('batches'), test, new URL('./batch-child.ts', import.meta.url))
  const first = await log.consumer(vhost.url)
  const mq = await connect({ url: vhost.url })
  test.onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return { log, first, mq }
}

const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)
const all = Array.from({ length: COUNT }, (_, n) => n)

test.concurrent(
  'of a process that is killed in the midst of a batch, all items come again, and none is lost',
  async (test) => {
    const { log, first, mq } = await inItsOwnProcess(test)
    await send(mq, notes(log.queue, 5, 'stuck'))
    await poll(() => log.starts().length === COUNT, { what: 'all but the stuck one', timeoutMs: 30_000 })
    await first.kill()
    const second = await consumer(test, log.queue)
    await poll(() => second.numbers.length === COUNT, { what: 'all of them again', timeoutMs: 30_000 })
    await second.consumer.close()
    expect(sorted(second.numbers)).toEqual(all)
    const channel = await raw(test)
    expect([await depth(channel, log.queue), await depth(channel, batchQueue(log.queue))]).toEqual([0, 0])
  },
)

test.concurrent('with a dedupe store, those that the lost process has handled are suppressed', async (test) => {
  const queue = unique('batches')
  const store = memoryDedupe()
  const proxy = await TcpProxy.to(vhost.url)
  test.onTestFinished(() => proxy.close())
  let end = () => undefined as void
  const ended = new Promise<void>((resolve) => (end = resolve))
  const handle = ({ payload: { n } }: Note) => (n === 5 ? ended : undefined)
  const first = await consumer(test, queue, { url: proxy.url(), handle, dedupe: { store } })
  await send(first.mq, notes(queue, 5, 'slow'))
  await poll(() => first.numbers.length === COUNT - 1, { what: 'all but one' })
  // To the broker it is as if the process had died.
  proxy.refuse()
  proxy.cut()
  const second = await consumer(test, queue, { dedupe: { store } })
  await poll(() => second.consumer.stats().suppressed === COUNT - 1, { what: 'suppressed ones', timeoutMs: 30_000 })
  end()
  await poll(() => second.consumer.stats().suppressed === COUNT, { what: 'the last one', timeoutMs: 30_000 })
  expect([sorted(first.numbers), second.numbers]).toEqual([all, []])
})

test.concurrent('an item that ends its process is soon alone, and the others are handled', async (test) => {
  const { log, first, mq } = await inItsOwnProcess(test)
  const gone = once(first.process, 'exit')
  await send(mq, notes(log.queue, 40, 'poison'))
  await gone
  // Splits the batch, and takes its items singly.
  const second = await log.consumer(vhost.url)
  await once(second.process, 'exit')
  const channel = await raw(test)
  await holds(channel, batchQueue(log.queue), 0)
  await holds(channel, log.queue, 1)
  expect(await idsIn(channel, log.queue)).toEqual([`${log.queue}-40`])
  const times = (n: number) => log.starts().filter((start) => start.n === n).length
  expect([all.filter((n) => times(n) === 0), times(40)]).toEqual([[], 2])
})
