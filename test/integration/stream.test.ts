import { getEventListeners } from 'node:events'
import { connect, type ConfirmChannel } from 'amqplib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { openConnection } from '../../src/amqp/connection/operator-connection.js'
import { openStream, type StreamSettings } from '../../src/amqp/receive/stream.js'
import { resolveOptions } from '../../src/options.js'
import { unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { failure } from '../support/mq.js'

const vhost = useVhost()
const HOUR = 3_600_000
const STREAM = { durable: true, arguments: { 'x-queue-type': 'stream' } }

async function writer(): Promise<ConfirmChannel> {
  const model = await connect(vhost.url, { noDelay: true })
  model.on('error', () => undefined)
  onTestFinished(() => model.close().catch(() => undefined))
  return model.createConfirmChannel()
}

/** A stream and a channel to write to it. */
async function newStream() {
  const queue = unique('stream')
  const channel = await writer()
  await channel.assertQueue(queue, STREAM)
  const write = async (texts: readonly string[], writtenAt = Date.now()) => {
    const timestamp = Math.floor(writtenAt / 1000)
    for (const text of texts) channel.sendToQueue(queue, Buffer.from(text), { persistent: true, timestamp })
    await channel.waitForConfirms()
  }
  return { queue, channel, write }
}

/** A reader that ends with the test, and the texts that it has read. */
async function read(queue: string, rest: Partial<StreamSettings> & { url?: string } = {}) {
  const { url = vhost.url, ...settings } = rest
  const { logger, ...options } = resolveOptions({ url, logger: false })
  const connection = await openConnection({ ...options, logger, endpoints: parseEndpoints(url) })
  onTestFinished(() => connection.close())
  const texts: string[] = []
  const errors: unknown[] = []
  const reader = await openStream({
    connection,
    queue,
    from: Date.now() - HOUR,
    onRecord: ({ body }) => void texts.push(Buffer.from(body).toString()),
    onError: (error) => void errors.push(error),
    logger,
    ...settings,
  })
  onTestFinished(() => reader.close())
  return { reader, texts, errors }
}

/** What a reader has read of ten records, and of ten more that are written while its connection is lost: each text once. */
async function readOverReconnect(): Promise<string[]> {
  const { queue, write } = await newStream()
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  await write(numbers(0, 10))
  const { reader, texts } = await read(queue, { url: proxy.url() })
  await reader.reached()
  proxy.refuse()
  proxy.cut()
  await write(numbers(10, 20))
  await proxy.listen()
  await reader.reached()
  return [...new Set(texts)]
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i))

test('has read every record when it reports the end, also of many records', async () => {
  const { queue, write } = await newStream()
  await write(numbers(0, 3000))
  const { reader, texts } = await read(queue)
  await reader.reached()
  expect(texts).toEqual(numbers(0, 3000))
  expect(reader.lag).toBe(0)
  await write(['more'])
  await reader.reached()
  expect(texts.at(-1)).toBe('more')
})

test('reaches the end of an empty stream, and of a stream with one record', async () => {
  const { queue, write } = await newStream()
  const { reader, texts } = await read(queue)
  await reader.reached()
  expect(texts).toEqual([])
  await write(['one'])
  await reader.reached()
  expect(texts).toEqual(['one'])
})

test('finds the end of chunks of every size', async () => {
  const { queue, write } = await newStream()
  const { reader, texts } = await read(queue)
  let count = 0
  for (const size of [1, 2, 63, 500, 1500, 3000, 7000]) {
    await write(numbers(count, (count += size)))
    await reader.reached()
    expect(texts.length).toBe(count)
  }
})

test('a reader whose clock is ahead of the broker by minutes loses no record in a reconnect', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * 60_000 })
  onTestFinished(() => void vi.useRealTimers())
  const texts = await readOverReconnect()
  expect(texts.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(0, 20))
})

test('the broker has not answered for records that the prefetch holds back', async () => {
  const { queue, write } = await newStream()
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  await write(['first'])
  const { reader, texts } = await read(queue, { url: proxy.url() })
  await reader.reached()
  expect(await reader.answered()).toBe(true)
  proxy.freeze()
  const many = Array.from({ length: 25_000 }, (_, n) => String(n))
  await write(many)
  const answered = reader.answered()
  proxy.thaw()
  expect([await answered, texts.length > many.length]).toEqual([false, false])
  await poll(async () => (await reader.answered()) && texts.length > many.length, { what: 'an answer behind all' })
})

test('skips records before its start time, and still reaches the end', async () => {
  const { queue, write } = await newStream()
  await write(['old'], Date.now() - HOUR)
  const { reader, texts } = await read(queue, { from: Date.now() + 10_000 })
  await reader.reached()
  expect(texts).toEqual([])
  await write(['new'])
  await poll(() => texts.length === 1, { what: 'the new record' })
  expect(texts).toEqual(['new'])
})

test('continues after a reconnect, and skips no record', async () => {
  expect(await readOverReconnect()).toEqual(numbers(0, 20))
})

test('reads a stream that was deleted and declared again', async () => {
  const { queue, channel, write } = await newStream()
  await write(numbers(0, 100))
  const { reader, texts } = await read(queue)
  await reader.reached()
  await channel.deleteQueue(queue)
  await channel.assertQueue(queue, STREAM)
  await write(['anew'])
  await poll(() => texts.includes('anew'), { what: 'the record of the new stream', timeoutMs: 30_000 })
  await reader.reached()
  expect(texts.slice(100)).toEqual(['anew'])
})

test('a wait for the end that is given up in an outage ends with it', async () => {
  const { queue, write } = await newStream()
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  await write(['a'])
  const { reader } = await read(queue, { url: proxy.url() })
  await reader.reached()
  proxy.refuse()
  proxy.cut()
  const over = new AbortController()
  const givenUp = failure(reader.reached(over.signal))
  over.abort()
  await proxy.listen()
  expect(await givenUp).toMatchObject({ code: 'CLOSED' })
  await reader.reached()
})

test('an unreadable record is skipped and counted, and the next one is read', async () => {
  const { queue, write } = await newStream()
  await write(['a', 'poison', 'b'])
  const texts: string[] = []
  const { reader } = await read(queue, {
    onRecord: ({ body }) => {
      const text = Buffer.from(body).toString()
      if (text === 'poison') throw new Error('cannot read this')
      texts.push(text)
    },
  })
  await reader.reached()
  expect(texts).toEqual(['a', 'b'])
  expect(reader.unreadable).toBe(1)
})

test('fails at once if the stream is missing, and stops waiting when it is closed', async () => {
  expect(await failure(read('nowhere'))).toMatchObject({ code: 'DESTINATION_MISSING' })
  const { queue } = await newStream()
  const { reader } = await read(queue)
  await reader.close()
  expect(await failure(reader.reached())).toMatchObject({ code: 'CLOSED' })
})

test('a reader that has ended, or could not start, does not listen to a signal that lives on', async () => {
  const { signal: closing } = new AbortController()
  const { queue } = await newStream()
  const { reader } = await read(queue, { closing })
  expect(getEventListeners(closing, 'abort')).toHaveLength(1)
  await reader.close()
  expect(await failure(read('nowhere', { closing }))).toMatchObject({ code: 'DESTINATION_MISSING' })
  expect(getEventListeners(closing, 'abort')).toEqual([])
})
