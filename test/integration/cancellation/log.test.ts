import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import { Layout } from '../../../src/amqp/topology/layout.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { cancellationLayout, type LogLayout } from '../../../src/log/log-layout.js'
import { HORIZONS } from '../../../src/log/horizons.js'
import type { CancellationRecord } from '../../../src/cancellation/cancellation-record.js'
import { decodeRecords } from '../../../src/cancellation/record.js'
import { connect, type ConnectOptions } from '../../../src/index.js'
import { unique } from '../../strategies/recorder.js'
import { applyAs } from '../../strategies/trust-world.js'
import { awaitedLater } from '../../support/awaited-later.js'
import { managementUrl, useVhost } from '../../support/broker.js'
import { failure, rawChannel } from '../../support/mq.js'
import { streamMessages } from '../../support/stream-messages.js'
import { userWith, type Permissions } from '../../support/users.js'

const vhost = useVhost()
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A connection in a namespace of its own. */
async function open(options: Omit<ConnectOptions, 'strategy'> = {}) {
  const namespace = options.namespace ?? unique('log')
  const mq = await connect({ url: vhost.url, ...options, namespace })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const layout = cancellationLayout(new Names(namespace))
  return { mq, namespace, layout }
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n))
const soon = () => new Date(Date.now() + HOUR / 2)

/** What one horizon of a namespace holds. */
async function written(layout: LogLayout, name: string) {
  const horizon = HORIZONS.find((one) => one.name === name)!
  const messages = await streamMessages(vhost.url, layout.stream(horizon))
  const records: CancellationRecord[] = []
  for (const { content } of messages)
    records.push(
      ...decodeRecords(content, (error) => {
        throw error
      }),
    )
  return { messages, records }
}

test('a record goes to the shortest horizon that covers the rest of the wait, as the wire format says', async () => {
  const { mq, layout } = await open()
  const rests = { '1h': HOUR / 2, '8h': 5 * HOUR, '3d': 2 * DAY, '30d': 20 * DAY, '1y': 100 * DAY, '10y': 3600 * DAY }
  const before = Date.now()
  const due = Object.fromEntries(Object.entries(rests).map(([name, ms]) => [name, before + ms]))
  for (const [id, ms] of Object.entries(due)) await mq.cancel({ id, dueAt: new Date(ms) })
  await mq.cancel('unknown')
  await mq.cancel({ id: 'past', dueAt: new Date(before - HOUR) })
  for (const name of Object.keys(rests)) {
    const { messages, records } = await written(layout, name)
    const ids = name === '30d' ? ['30d', 'unknown', 'past'] : [name]
    expect(records.map(({ id }) => id)).toEqual(ids)
    expect(records[0]?.due).toBe(due[name])
    // Whoever has declared a stream has written a first record without content, which may come after others.
    const sizes = messages.map(({ content }) => content.byteLength)
    expect(sizes.filter((bytes) => bytes === 0).length).toBeGreaterThan(0)
    for (const { fields, properties } of messages) {
      expect([fields.exchange, fields.routingKey]).toEqual([layout.exchange, name])
      expect(properties).toMatchObject({ contentType: 'application/x-ndjson', deliveryMode: 2 })
      expect(Math.abs(Number(properties.timestamp) * 1000 - before)).toBeLessThan(60_000)
    }
  }
})

test('a receipt cancels its revision alone, an id everything up to now', async () => {
  const { mq, layout } = await open()
  const dueAt = new Date(Date.now() + HOUR / 2).toISOString()
  const before = Date.now()
  await mq.cancel({ id: 'a', revision: 5, dueAt, destination: { queue: 'q' } })
  await mq.cancel({ id: 'b', dueAt })
  const { records } = await written(layout, '1h')
  expect(records[0]).toEqual({ id: 'a', revision: 5, due: Date.parse(dueAt) })
  expect(records[1]).toMatchObject({ id: 'b', due: Date.parse(dueAt) })
  expect(records[1]!.upTo! / 1000).toBeGreaterThanOrEqual(before)
  expect(records[1]!.upTo! / 1000).toBeLessThan(before + 60_000)
})

test('records of many cancellations travel together, each once', async () => {
  const { mq, layout } = await open()
  const dueAt = soon()
  await Promise.all(numbers(2000).map((id) => mq.cancel({ id, dueAt })))
  const { messages, records } = await written(layout, '1h')
  expect(records.map(({ id }) => id).toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(2000))
  expect(messages.length).toBeLessThan(200)
})

test('every id that a message may have can be cancelled', async () => {
  const { mq, layout } = await open()
  const ids = ['é'.repeat(127), 'a\nb', '"', '\u0000', '👋', ' ']
  await Promise.all(ids.map((id) => mq.cancel({ id, dueAt: soon() })))
  const { records } = await written(layout, '1h')
  expect(records.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
})

test('a small limit for bodies is no limit for the number of cancellations', async () => {
  const { mq, layout } = await open({ maxBodyBytes: 300 })
  await Promise.all(numbers(500).map((id) => mq.cancel({ id, dueAt: soon() })))
  const tooLong = mq.cancel({ id: 'x'.repeat(255), dueAt: soon() })
  const others = awaitedLater(['a', 'b'].map((id) => mq.cancel({ id, dueAt: soon() })))
  expect(await failure(tooLong)).toMatchObject({ code: 'BODY_TOO_LARGE', outcome: 'refused' })
  await others
  expect(new Set((await written(layout, '1h')).records.map(({ id }) => id)).size).toBe(502)
})

test('close waits for records that are gathered, and later ones are refused', async () => {
  const { mq, layout } = await open()
  await mq.cancel({ id: 'first', dueAt: soon() })
  const all = awaitedLater(numbers(500).map((id) => mq.cancel({ id, dueAt: soon() })))
  const closed = mq.close()
  expect(await failure(mq.cancel('late'))).toMatchObject({ code: 'CLOSED', outcome: 'refused' })
  await closed
  await all
  expect((await written(layout, '1h')).records).toHaveLength(501)
})

test('a close that has no more time ends the records that are not confirmed', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const { mq } = await open({ url: proxy.url() })
  await mq.cancel('first')
  proxy.freeze()
  const all = Promise.allSettled(numbers(200).map((id) => mq.cancel(id)))
  await mq.close({ drainTimeoutMs: 500 })
  for (const outcome of await all) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
})

test('records behind a silent broker fail in time, with an outcome of their own', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const { mq, layout } = await open({ url: proxy.url(), publishTimeoutMs: 5000 })
  await mq.cancel({ id: 'first', dueAt: soon() })
  proxy.freeze()
  const before = performance.now()
  const outcomes = await Promise.allSettled(numbers(300).map((id) => mq.cancel({ id, dueAt: soon() })))
  expect(performance.now() - before).toBeLessThan(20_000)
  const reasons = outcomes.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }) : undefined))
  expect(new Set(reasons.map((reason) => reason?.code))).toEqual(new Set(['PUBLISH_TIMEOUT']))
  const outcomesOf = new Set(reasons.map((reason) => (reason as { outcome?: string }).outcome))
  expect(outcomesOf).toEqual(new Set(['unknown', 'refused']))
  proxy.thaw()
  await mq.cancel({ id: 'last', dueAt: soon() })
  const ids = new Set((await written(layout, '1h')).records.map(({ id }) => id))
  const refused = outcomes.flatMap((one, n) =>
    one.status === 'rejected' && (one.reason as { outcome: string }).outcome === 'refused' ? [String(n)] : [],
  )
  expect(refused.filter((id) => ids.has(id))).toEqual([])
})

test('streams that were deleted are declared again by the next cancellation', async () => {
  const { mq, layout } = await open()
  await mq.cancel({ id: 'first', dueAt: soon() })
  const channel = await rawChannel(vhost.url)
  for (const horizon of HORIZONS) await channel.deleteQueue(layout.stream(horizon))
  await mq.cancel({ id: 'a', dueAt: soon() })
  await channel.deleteExchange(layout.exchange)
  await mq.cancel({ id: 'b', dueAt: soon() })
  expect((await written(layout, '1h')).records.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('a lost connection loses no record', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const { mq, layout } = await open({ url: proxy.url() })
  await mq.cancel({ id: 'first', dueAt: soon() })
  const all = awaitedLater(numbers(1000).map((id) => mq.cancel({ id, dueAt: soon() })))
  proxy.cut()
  await all
  const ids = (await written(layout, '1h')).records.map(({ id }) => id)
  expect(new Set(ids)).toEqual(new Set(['first', ...numbers(1000)]))
})

test('a stream with other arguments is refused by name, and the next attempt declares it once it is gone', async () => {
  const { mq, layout } = await open()
  const channel = await rawChannel(vhost.url)
  const stream = layout.stream(HORIZONS[2]!)
  await channel.assertQueue(stream, { durable: true, arguments: { 'x-queue-type': 'stream', 'x-max-age': '1D' } })
  expect(await failure(mq.cancel('a'))).toMatchObject({
    code: 'TOPOLOGY_MISMATCH',
    outcome: 'refused',
    data: { resource: `queue ${stream}` },
  })
  await channel.deleteQueue(stream)
  expect(await mq.cancel('a')).toBe('unknown')
})

describe.skipIf(managementUrl() === undefined)('rights (users are made by the management API)', () => {
  const ALL: Permissions = { configure: '.*', write: '.*', read: '.*' }

  /** The layout of a namespace, with the cancellation streams or without, and a user with these rights. */
  async function trusting(write: (namespace: string) => string, { streams = true } = {}) {
    const namespace = unique('trust')
    const layout = cancellationLayout(new Names(namespace))
    const base = new Layout(new Names(namespace), 'quorum').base()
    await applyAs(vhost.url, streams ? [...base, ...layout.parts()] : base)
    const url = await userWith(vhost, { configure: '^$', write: write(namespace), read: '^$' })
    return open({ url, namespace, topology: 'trust' })
  }

  const escaped = (text: string) => text.replaceAll('.', String.raw`\.`)

  test('a canceller needs no more than the right to write to the exchange', async () => {
    const { mq, layout } = await trusting((namespace) => `^${escaped(namespace)}\\.v1\\.cancellations$`)
    expect(await mq.cancel({ id: 'a', dueAt: soon() })).toBe('cancelled')
    expect((await written(layout, '1h')).records).toHaveLength(1)
  })

  test('without that right the error names it and the exchange', async () => {
    const { mq, layout } = await trusting((namespace) => `^${escaped(namespace)}\\.v1\\.deliver$`)
    expect(await failure(mq.cancel('a'))).toMatchObject({
      code: 'PERMISSION_DENIED',
      outcome: 'refused',
      data: { permission: 'write', resource: `exchange ${layout.exchange}` },
    })
  })

  test('a missing exchange is a typed error that says how to declare it', async () => {
    const { mq, layout } = await trusting(() => '.*', { streams: false })
    expect(await failure(mq.cancel('a'))).toMatchObject({
      code: 'TOPOLOGY_MISSING',
      data: { resource: layout.exchange },
      message: expect.stringContaining('`dueque topology apply`') as string,
    })
    await applyAs(vhost.url, layout.parts())
    expect(await mq.cancel('a')).toBe('unknown')
  })

  test('a user who may not declare the streams gets an error that names the right', async () => {
    const namespace = unique('denied')
    // Everything else is there.
    await (await open({ namespace })).mq.close()
    const configure = `^${escaped(namespace)}\\.v1\\.(?!cancellations).*`
    const { mq, layout } = await open({ namespace, url: await userWith(vhost, { ...ALL, configure }) })
    expect(await failure(mq.cancel('a'))).toMatchObject({
      code: 'PERMISSION_DENIED',
      outcome: 'refused',
      data: { permission: 'configure', resource: `exchange ${layout.exchange}` },
    })
  })
})
