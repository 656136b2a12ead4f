import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import { parseEndpoints } from '../../../src/amqp/connection/endpoint.js'
import { openConnection } from '../../../src/amqp/connection/operator-connection.js'
import type { Logger } from '../../../src/base/logger.js'
import { connect, ladder } from '../../../src/index.js'
import { encodeEntry } from '../../../src/journal/journal-record.js'
import type { DelayedMessage } from '../../../src/message/delayed-message.js'
import { resolveOptions } from '../../../src/options.js'
import { note, unique } from '../../strategies/recorder.js'
import { management, managementUrl, poll, useVhost } from '../../support/broker.js'
import { delayed, journalView, journalWriter } from '../../support/journal.js'
import { failure, open } from '../../support/mq.js'

const vhost = useVhost()
const DESTINATION = { queue: 'reminders' }
const all = { limit: 1000 }

/** A namespace with a journal, and a writer of entries. */
async function journalled() {
  const namespace = unique('index')
  const mq = await connect({ url: vhost.url, namespace, strategy: ladder({ journal: true }) })
  await mq.schedule(note, { n: 0 }, { to: { queue: unique('warm') }, in: '5m', declare: true })
  await mq.close()
  const { write, stream, channel } = await journalWriter(vhost.url, namespace)
  let written = 0
  const add = async (...messages: DelayedMessage[]) => {
    await write(
      '1h',
      messages.map((message) => encodeEntry(message, ++written, true)),
    )
    return messages.map(({ id }) => id)
  }
  return { namespace, add, stream, channel }
}

const some = (count: number) =>
  Array.from({ length: count }, (_, n) => delayed({ id: unique(`m${n}`), destination: DESTINATION }))

async function listed(view: Awaited<ReturnType<typeof journalView>>): Promise<string[]> {
  const list = await view.list({ destination: DESTINATION }, all)
  return list.map(({ id }) => id).toSorted()
}

test('shows at once what was scheduled and cancelled in the same process, without reading all again', async () => {
  const namespace = unique('index')
  const mq = await open(vhost.url, { namespace, strategy: ladder({ journal: { index: true } }) })
  for (let n = 0; n < 20; n++) {
    const receipt = await mq.schedule(note, { n }, { to: { queue: 'q' }, in: '10m', declare: true })
    expect((await mq.get(receipt))?.payload).toEqual({ n })
    if (n % 2) await mq.cancel(receipt)
    expect(await mq.count()).toBe(Math.floor(n / 2) + 1)
  }
  expect(mq.health().journal).toEqual({ state: 'live', entries: 10 })
})

test('reads on after a reconnect', async () => {
  const { namespace, add } = await journalled()
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const view = await journalView(proxy.url(), namespace)
  const before = await add(...some(5))
  expect(await listed(view)).toEqual(before.toSorted())
  proxy.refuse()
  proxy.cut()
  const meanwhile = await add(...some(5))
  const listing = listed(view)
  await proxy.listen()
  expect(await listing).toEqual([...before, ...meanwhile].toSorted())
  expect(view.health()).toEqual({ state: 'live', entries: 11 })
})

test('fails with JOURNAL_UNREAD while the broker is away, and answers again later', async () => {
  const { namespace, add } = await journalled()
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const view = await journalView(proxy.url(), namespace, { silentMs: 2000 })
  const ids = await add(...some(2))
  const answers = async () => (await listed(view).catch(() => [])).length === ids.length
  await poll(answers, { what: 'an answer' })
  proxy.refuse()
  proxy.cut()
  expect(await failure(view.count({}))).toMatchObject({ code: 'JOURNAL_UNREAD' })
  await proxy.listen()
  await poll(answers, { what: 'another answer' })
})

test('a stream that was deleted and declared anew is read anew', async () => {
  const { namespace, add, stream, channel } = await journalled()
  const mq = await open(vhost.url, { namespace, strategy: ladder({ journal: { index: true } }) })
  await add(...some(3))
  expect(await mq.count({ destination: DESTINATION })).toBe(3)
  await channel.deleteQueue(stream('1h'))
  await poll(async () => (await mq.count({ destination: DESTINATION })) === 0, { what: 'the new stream' })
  const [id] = await add(...some(1))
  expect((await mq.list({ destination: DESTINATION })).messages.map((message) => message.id)).toEqual([id])
})

test('a stream that was deleted and declared anew during a reconnect is read anew', async () => {
  const { namespace, add, stream, channel } = await journalled()
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const view = await journalView(proxy.url(), namespace)
  for (let n = 0; n < 3; n++) await add(...some(3))
  expect(await listed(view)).toHaveLength(9)
  proxy.refuse()
  proxy.cut()
  await channel.deleteQueue(stream('1h'))
  const anew = await connect({ url: vhost.url, namespace, strategy: ladder({ journal: true }) })
  await anew.schedule(note, { n: 0 }, { to: { queue: unique('warm') }, in: '5m', declare: true })
  await anew.close()
  await proxy.listen()
  expect(await view.count({ destination: DESTINATION })).toBe(0)
  expect(await listed(view)).toEqual([])
  const ids = await add(...some(2))
  expect(await listed(view)).toEqual(ids.toSorted())
})

test.skipIf(managementUrl() === undefined)(
  'a policy that trims a stream is no error: the index shows what is left (needs RABBITMQ_MANAGEMENT_URL)',
  async () => {
    const { namespace, add, stream } = await journalled()
    const view = await journalView(vhost.url, namespace)
    const body = Buffer.alloc(500_000, 'x')
    const large = async (count: number) => {
      for (let n = 0; n < count; n++) await add(delayed({ id: unique(`large${n}`), destination: DESTINATION, body }))
    }
    await large(10)
    expect(await view.count({ destination: DESTINATION })).toBe(10)
    const definition = { 'max-length-bytes': 4_000_000 }
    await management(`/policies/${vhost.name}/${namespace}`, {
      method: 'PUT',
      body: { pattern: `^${stream('1h')}$`, definition, 'apply-to': 'all' },
    })
    // The broker trims when it begins a segment.
    await poll(
      async () => {
        await large(9)
        const replay = await journalView(vhost.url, namespace, { maxEntries: 0 })
        const left = await replay.count({ destination: DESTINATION })
        return left < (await view.count({ destination: DESTINATION }))
      },
      { what: 'a trimmed stream', timeoutMs: 60_000 },
    )
    const list = await listed(view)
    const replay = await journalView(vhost.url, namespace, { maxEntries: 0 })
    expect(list).toEqual(await listed(replay))
    expect(await view.count({ destination: DESTINATION })).toBe(list.length)
  },
)

test('with too many entries it says so, and answers all the same', async () => {
  const { namespace, add } = await journalled()
  const warnings: string[] = []
  const none = () => undefined
  const logger: Logger = { debug: none, info: none, warn: (text) => void warnings.push(text), error: none }
  const view = await journalView(vhost.url, namespace, { maxEntries: 5, logger })
  const few = await add(...some(3))
  expect(await listed(view)).toEqual(few.toSorted())
  expect(view.health()).toEqual({ state: 'live', entries: 4 })
  const more = await add(...some(10))
  await poll(() => view.health()?.state === 'over', { what: 'an index over its limit' })
  expect(await listed(view)).toEqual([...few, ...more].toSorted())
  expect(warnings).toEqual([expect.stringContaining('maxEntries')])
})

test('a close ends what is asked with CLOSED', async () => {
  const { namespace, add } = await journalled()
  await add(...some(1))
  for (const maxEntries of [0, 100]) {
    const view = await journalView(vhost.url, namespace, { maxEntries })
    const asked = failure(view.count({}))
    await view.close()
    expect(await asked).toMatchObject({ code: 'CLOSED' })
    expect(await failure(view.count({}))).toMatchObject({ code: 'CLOSED' })
  }
})

test('a large message comes whole over a slow network', async () => {
  const { namespace, add } = await journalled()
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const view = await journalView(proxy.url(), namespace)
  const large = delayed({ id: unique('large'), body: Buffer.alloc(275_000, 'x') })
  await add(large)
  expect(await view.count({})).toBe(2)
  // For longer than a reader waits for a record that is not there.
  proxy.bytesPerSecond = 50_000
  const found = await view.find(large.id)
  proxy.bytesPerSecond = Infinity
  expect(found).toMatchObject([{ id: large.id, body: large.body }])
})

test('a close ends a look at messages while the broker is away', async () => {
  const { namespace, add } = await journalled()
  // More than are read at once.
  for (const message of some(150)) await add(message)
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const settings = resolveOptions({ url: proxy.url(), logger: false })
  const connection = await openConnection({ ...settings, endpoints: parseEndpoints(proxy.url()) })
  onTestFinished(() => connection.close())
  const connect = () => Promise.resolve({ connection, release: () => connection.close() })
  const view = await journalView(vhost.url, namespace, { maxEntries: 0, connect })
  const away = async () => {
    proxy.refuse()
    proxy.cut()
    await poll(() => connection.model === undefined, { what: 'a lost connection' })
  }
  let looked = 0
  const failed = failure(view.forEach({ destination: DESTINATION }, () => (looked++ === 0 ? away() : undefined)))
  await poll(() => looked >= 100, { what: 'the messages that were read' })
  await view.close()
  expect(connection.closed).toBe(true)
  expect(await failed).toMatchObject({ code: 'CLOSED' })
})
