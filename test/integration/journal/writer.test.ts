import { describe, expect, onTestFinished, test } from 'vitest'
import { AmqpBroker } from '../../../src/amqp/amqp-broker.js'
import { quietEvents } from '../../../src/amqp/connection/quiet-events.js'
import { connect, ladder, type ConnectOptions, type JournalOptions } from '../../../src/index.js'
import type { DelayedMessage } from '../../../src/message/delayed-message.js'
import { resolveOptions } from '../../../src/options.js'
import { openSession } from '../../../src/session.js'
import { openWorld } from '../../strategies/amqp-world.js'
import { applyAs } from '../../strategies/trust-world.js'
import { note, Recorder, unique } from '../../strategies/recorder.js'
import { managementUrl, poll, useVhost } from '../../support/broker.js'
import { openIntake, publishDelayed } from '../../support/intake.js'
import { journalRecords, listed } from '../../support/journal-records.js'
import { failure, rawChannel } from '../../support/mq.js'
import { userWith } from '../../support/users.js'
import { Layout } from '../../../src/amqp/topology/layout.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { LadderLayout } from '../../../src/strategies/ladder/ladder-layout.js'
import { journalLayout } from '../../../src/log/log-layout.js'

const vhost = useVhost()
const HOUR = 3_600_000
const MIB = 1024 * 1024

type Options = Omit<ConnectOptions, 'strategy'> & { journal?: true | JournalOptions }

/** A connection with a journal in a namespace of its own. */
async function open({ journal = true, ...options }: Options = {}) {
  const namespace = options.namespace ?? unique('journal')
  const mq = await connect({ url: vhost.url, ...options, namespace, strategy: ladder({ journal }) })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const [prefix, queue] = [`${namespace}.v1`, unique('work')]
  return { mq, namespace, prefix, queue, ids: () => idsOf(prefix), records: () => journalRecords(vhost.url, prefix) }
}

async function idsOf(prefix: string): Promise<string[]> {
  return (await listed(vhost.url, prefix)).map(({ message: { id } }) => id)
}

/** A started ladder with a journal, which takes messages as they are. */
async function openStrategy(options: Options = {}) {
  const { journal = true, ...rest } = options
  const namespace = unique('journal')
  const resolved = resolveOptions({ url: vhost.url, namespace, strategy: ladder({ journal }), ...rest })
  const session = await openSession(new AmqpBroker(resolved, quietEvents({ error: () => undefined })), resolved, {
    onError: () => undefined,
  })
  onTestFinished(() => session.close())
  const queue = unique('work')
  const messageOf = (rest: Partial<DelayedMessage>): DelayedMessage => ({
    id: unique('id'),
    name: 'test.note',
    version: 1,
    body: Buffer.from('{}'),
    destination: { queue },
    dueAt: Date.now() + HOUR / 2,
    scheduledAt: Date.now(),
    expiresAt: undefined,
    revision: Date.now() * 1000,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    ...rest,
  })
  const schedule = async (rest: Partial<DelayedMessage>) => {
    const message = messageOf(rest)
    await resolved.strategy.schedule(message, { declare: true })
    return message
  }
  const find = async ({ id }: DelayedMessage) =>
    (await listed(vhost.url, `${namespace}.v1`)).find(({ message }) => message.id === id)?.message
  return { schedule, find, namespace, queue }
}

const fields = (message: object | undefined) => JSON.parse(JSON.stringify(message)) as object

test('a record holds the whole message, byte for byte', async () => {
  const { schedule, find } = await openStrategy()
  const bodies = {
    empty: Buffer.alloc(0),
    text: Buffer.from('{"n":1,"text":"\\"dueque:bytes\\" é 👋 \\ud800"}'),
    own: Buffer.from('{"dueque:bytes":"aGFsbG8="}\n{"second":"line"}\r\n\u2028'),
    mark: Buffer.from('\uFEFF{}'),
    binary: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    cut: Buffer.from('é').subarray(0, 1),
  }
  for (const [what, body] of Object.entries(bodies)) {
    const message = await schedule({ body })
    expect(Buffer.from((await find(message))!.body!), what).toEqual(body)
  }
  const rich = await schedule({
    destination: { exchange: 'amq.topic', routingKey: 'a.é' },
    headers: {
      nested: { list: [1, 'zwei', null, { deep: true }] },
      'dueque:odd': 1,
      none: null,
      text: '\u0000"\n',
    },
    priority: 3,
    correlationId: 'c',
    dedupeKey: 'd',
    expiresAt: Date.now() + 2 * HOUR,
    attempt: 2,
    retryAt: Date.now() + HOUR / 3,
    firstFailedAt: 1,
    lastFailedAt: 2,
    routingKey: 'seen',
    furtherKeys: ['other'],
    properties: { appId: 'foreign', replyTo: 'r', contentEncoding: 'gzip' },
  })
  const { body: _, ...rest } = rich
  const { body: __, ...found } = (await find(rich))!
  expect(fields(found)).toEqual(fields(rest))
  // AMQP writes half of a character as U+FFFD.
  const half = await schedule({ id: `half \ud800 ${unique('id')}` })
  expect(await find({ ...half, id: Buffer.from(half.id).toString() })).toBeDefined()
})

test('bytes in the headers of a foreign message are kept', async () => {
  const { schedule, find } = await openStrategy()
  const headers = { bytes: Buffer.from([0, 255]), at: { '!': 'timestamp', value: 5 } } as never
  const message = await schedule({ headers, properties: {} })
  const found = (await find(message))!
  expect({ ...found.headers }).toEqual({ bytes: Buffer.from([0, 255]), at: { '!': 'timestamp', value: 5 } })
})

test('a record goes to the shortest horizon that covers the wait, and a retry by its own time', async () => {
  const { schedule, namespace } = await openStrategy()
  const rests = { '1h': HOUR / 2, '8h': 5 * HOUR, '3d': 40 * HOUR, '30d': 400 * HOUR, '1y': 3000 * HOUR }
  for (const [id, ms] of Object.entries(rests)) await schedule({ id, dueAt: Date.now() + ms })
  await schedule({ id: 'retry', dueAt: Date.now() - 1000, retryAt: Date.now() + 5 * HOUR, attempt: 2 })
  const found = await listed(vhost.url, `${namespace}.v1`)
  const horizons = Object.fromEntries(found.map(({ message: { id }, horizon }) => [id, horizon]))
  expect(horizons).toEqual({ '1h': '1h', '8h': '8h', '3d': '3d', '30d': '30d', '1y': '1y', retry: '8h' })
})

test('messages without a delay, or with a shorter one than minDelayMs, are not in it', async () => {
  const { mq, ids, queue } = await open({ journal: { minDelayMs: 60_000 } })
  const schedule = (id: string, delay: number) =>
    mq.schedule(note, { n: 1 }, { id, to: { queue }, in: delay, declare: true })
  await Promise.all([schedule('now', 0), schedule('short', 59_000), schedule('long', 61_000)])
  expect(await ids()).toEqual(['long'])
})

test('with bodies: false it holds everything but the body', async () => {
  const { mq, records, queue } = await open({ journal: { bodies: false } })
  const headers = { kept: 'yes' }
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h', declare: true, headers })
  const { entries } = await records()
  expect(entries).toMatchObject([{ message: { headers, body: undefined, name: note.name } }])
})

test('records of many schedules travel together, each once', async () => {
  const { mq, records, queue } = await open()
  const schedule = (n: number) => mq.schedule(note, { n }, { id: String(n), to: { queue }, in: '30m', declare: true })
  await schedule(-1)
  const before = (await records()).publishes
  await Promise.all(Array.from({ length: 2000 }, (_, n) => schedule(n)))
  const { entries, publishes } = await records()
  expect(new Set(entries.map(({ message: { id } }) => id)).size).toBe(2001)
  expect(entries).toHaveLength(2001)
  expect(publishes - before).toBeLessThan(200)
})

test('a record over the limit is refused before anything is sent, and says so; with bodies: false the message waits', async () => {
  const { schedule, find, queue } = await openStrategy({ maxBodyBytes: 16 * MIB })
  const small = await schedule({ body: Buffer.alloc(11 * MIB, 0xff) })
  expect((await find(small))!.body!.byteLength).toBe(11 * MIB)
  // Base64 takes a third more, and a text of quotes twice as much.
  for (const body of [Buffer.alloc(15 * MIB, 0xff), Buffer.alloc(10 * MIB, '"')]) {
    const refused = schedule({ body, dueAt: Date.now() + 500 })
    expect(await failure(refused)).toMatchObject({
      code: 'BODY_TOO_LARGE',
      outcome: 'refused',
      message: expect.stringContaining('bodies: false') as string,
    })
  }
  const without = await openStrategy({ journal: { bodies: false } })
  await without.schedule({ body: Buffer.alloc(16 * MIB, 0xff), dueAt: Date.now() + 500 })
  const [mine, other] = [openWorld(vhost.url), openWorld(vhost.url)]
  await poll(async () => (await other.depth(without.queue)) === 1, { what: 'the large message' })
  expect(await mine.depth(queue)).toBe(0)
})

test('a refused schedule leaves nothing in the journal', async () => {
  const { mq, records, ids, queue } = await open()
  await mq.schedule(note, { n: 0 }, { id: 'waits', to: { queue }, in: '30m', declare: true })
  const missing = mq.schedule(note, { n: 1 }, { to: { queue: unique('nowhere') }, in: '1h' })
  expect(await failure(missing)).toMatchObject({ code: 'DESTINATION_MISSING', outcome: 'refused' })
  const abort = new AbortController()
  const aborted = mq.schedule(note, { n: 2 }, { to: { queue }, in: '2h', signal: abort.signal })
  abort.abort()
  expect(await failure(aborted)).toMatchObject({ code: 'ABORTED', outcome: 'refused' })
  expect(await ids()).toEqual(['waits'])
  expect((await records()).entries).toHaveLength(1)
})

test('a message that RabbitMQ returns is in the journal no more', async () => {
  const namespace = unique('returned')
  const names = new Names(namespace)
  const [layout, queue] = [new Layout(names, 'quorum'), unique('work')]
  // No rung at all.
  const parts = [...layout.base(), ...new LadderLayout(names).exchanges(), ...journalLayout(names).parts()]
  await applyAs(vhost.url, [...parts, ...layout.workQueue(queue)])
  const { mq, records, ids } = await open({ namespace, topology: 'trust' })
  const returned = mq.schedule(note, { n: 1 }, { id: 'returned', to: { queue }, in: '20m' })
  expect(await failure(returned)).toMatchObject({ code: 'TOPOLOGY_MISSING', outcome: 'refused' })
  await poll(async () => (await records()).refusals.length === 1, { what: 'the refusal' })
  const { entries, refusals } = await records()
  expect(refusals).toMatchObject([{ id: 'returned', refused: entries[0]!.written }])
  expect(await ids()).toEqual([])
})

describe.skipIf(managementUrl() === undefined)('rights (users are made by the management API)', () => {
  test.each([
    ['write', { write: '^(?!.*journal$).*' }],
    ['configure', { configure: String.raw`^(?!.*journal).*` }],
  ])('without %s permission on its exchange nothing is sent, and the error names it', async (permission, change) => {
    const all = { configure: '.*', write: '.*', read: '.*' }
    const { namespace, prefix, queue } = await open({ url: await userWith(vhost, all) })
    // The streams are there, for the one who may not write to them.
    if (permission === 'write') await applyAs(vhost.url, journalLayout({ prefix }).parts())
    const denied = permission === 'write' ? namespace : unique('denied')
    const { mq } = await open({ url: await userWith(vhost, { ...all, ...change }), namespace: denied })
    const recorder = await Recorder.on(mq, queue, { cancellations: 'off' })
    const schedule = (n: number, delay: number) => mq.schedule(note, { n }, { to: { queue }, in: delay })
    expect(await failure(schedule(1, 300))).toMatchObject({
      code: 'PERMISSION_DENIED',
      outcome: 'refused',
      data: { permission, resource: `exchange ${denied}.v1.journal` },
      message: expect.stringContaining('the message is not sent') as string,
    })
    await schedule(2, 0)
    await recorder.has(1)
    expect(recorder.numbers).toEqual([2])
  })
})

test('where nothing is declared and the streams are missing, nothing is sent, and the error says what declares them', async () => {
  const namespace = unique('without')
  const names = new Names(namespace)
  const [layout, queue] = [new Layout(names, 'quorum'), unique('work')]
  const rungs = new LadderLayout(names).everything('quorum', 1).filter(({ name }) => !/wait\.\d+[smhd]$/.test(name))
  const some = rungs.filter((part) => part.kind !== 'binding' || !/^dq~\d+[smhd]$/.test(part.key))
  await applyAs(vhost.url, [...layout.base(), ...some, ...layout.workQueue(queue)])
  const { mq } = await open({ namespace, topology: 'trust' })
  const recorder = await Recorder.on(mq, queue, { cancellations: 'off' })
  const schedule = () => mq.schedule(note, { n: 1 }, { id: 'one', to: { queue }, in: 300 })
  expect(await failure(schedule())).toMatchObject({
    code: 'TOPOLOGY_MISSING',
    outcome: 'refused',
    message: expect.stringContaining('dueque topology apply --journal') as string,
  })
  await applyAs(vhost.url, journalLayout(names).parts())
  await schedule()
  await recorder.has(1)
  expect(recorder.numbers).toEqual([1])
})

test('streams that were deleted are declared again, and their records are there', async () => {
  const { mq, prefix, queue, ids } = await open()
  const schedule = (id: string) => mq.schedule(note, { n: 1 }, { id, to: { queue }, in: '30m', declare: true })
  await schedule('before')
  const channel = await rawChannel(vhost.url)
  for (const { name } of journalLayout({ prefix }).streams()) await channel.deleteQueue(name)
  await Promise.all(['a', 'b'].map(schedule))
  await channel.deleteExchange(`${prefix}.journal`)
  await schedule('c')
  expect((await ids()).toSorted()).toEqual(['a', 'b', 'c'])
})

test('a rung that was deleted behind its back is noticed at once', async () => {
  const { mq, prefix, queue } = await open()
  const world = openWorld(vhost.url)
  const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: 3_600_000, declare: true })
  await schedule(0)
  const [rung] = await rungsOf(prefix)
  await world.deleteQueue(rung!)
  const before = performance.now()
  await Promise.all(Array.from({ length: 100 }, (_, n) => schedule(n)))
  expect(performance.now() - before).toBeLessThan(10_000)
  await poll(async () => (await world.depth(rung!)) === 100, { what: 'all in the rung' })
})

async function rungsOf(prefix: string): Promise<string[]> {
  const world = openWorld(vhost.url)
  const names = ['1h', '59m', '60m'].map((rung) => `${prefix}.wait.${rung}`)
  const depths = await Promise.all(names.map((name) => world.depth(name).catch(() => 0)))
  return names.filter((_, i) => depths[i]! > 0)
}

test('close waits for records that are on their way', async () => {
  const { mq, queue, ids } = await open()
  const schedule = (n: number) => mq.schedule(note, { n }, { id: String(n), to: { queue }, in: '30m', declare: true })
  await schedule(0)
  const all = Promise.all(Array.from({ length: 500 }, (_, n) => schedule(n + 1)))
  await mq.close()
  await all
  expect(await ids()).toHaveLength(501)
})

test('an intake writes what foreign producers sent, and the forwarder of unroutable messages what it sends again', async () => {
  const namespace = unique('journal')
  const [from, queue] = [unique('form'), unique('work')]
  const channel = await rawChannel(vhost.url)
  await channel.assertQueue(queue)
  const strategy = () => ladder({ journal: true })
  await openIntake({ url: vhost.url, namespace, from, type: 'topic', strategy: strategy() })
  await channel.bindQueue(queue, `${from}.due`, '#')
  publishDelayed(channel, from, 'a.key', Buffer.from([0xff, 0]), 1_800_000, { appId: 'foreign', messageId: 'one' })
  const prefix = `${namespace}.v1`
  await poll(async () => (await idsOf(prefix)).length === 1, { what: 'the record', timeoutMs: 30_000 })
  const [{ message }] = (await listed(vhost.url, prefix)) as [Awaited<ReturnType<typeof listed>>[number]]
  expect(message).toMatchObject({
    id: 'one',
    destination: { exchange: `${from}.due`, routingKey: 'a.key' },
    properties: { appId: 'foreign' },
  })
  expect(Buffer.from(message.body!)).toEqual(Buffer.from([0xff, 0]))

  const unroutable = `${prefix}.unroutable`
  const due = Date.now() + 1_800_000
  const headers = { 'dueque-to': `queue:${queue}`, 'dueque-due': due, 'dueque-revision': 7, 'dueque-attempt': 1 }
  channel.sendToQueue(unroutable, Buffer.from('{}'), { messageId: 'two', type: 'test.note', headers })
  await poll(async () => (await idsOf(prefix)).includes('two'), { what: 'its record', timeoutMs: 30_000 })
})
