import type { Channel } from 'amqplib'
import { connect, on, onAny, type Delivery } from 'dueque'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { note } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { bury, DIED, declareWorn, wearOut, type DeadMessage } from '../support/dead.js'
import { open, rawChannel } from '../support/mq.js'
import { depth, holds } from '../support/parked.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const env = () => ({ AMQP_URL: vhost.url })
let channel: Channel
/** The work queue of the tests, and a missing one whose dead queue exists. */
const [queue, gone] = [unique('reminders'), unique('gone')]

beforeAll(async () => {
  const mq = await connect({ url: vhost.url })
  for (const name of [queue, gone]) await mq.consume(name, [onAny(() => undefined)])
  await mq.close()
})
beforeEach(async () => {
  channel = await rawChannel(vhost.url)
  await channel.deleteQueue(gone)
  for (const name of [queue, `${queue}.dead`, `${gone}.dead`]) {
    if (name !== gone) await channel.purgeQueue(name)
  }
})

const dead = (command: string, ...args: string[]) => run(['dead', command, queue, ...args], env())
const iso = (ms: number) => new Date(ms).toISOString()
const many = (count: number): DeadMessage[] => Array.from({ length: count }, (_, i) => ({ id: `m-${i}` }))
const HOUR = 3_600_000
const MIXED: DeadMessage[] = [
  {
    id: 'a',
    headers: {
      'dueque-dead-error': `\u001b[2J${'x'.repeat(100)}`,
      'dueque-dead-stack': 'Error: no\n    at book (rooms.ts:7)',
    },
  },
  { id: 'b', name: 'test.other', reason: 'invalid-payload', headers: { 'dueque-dead-at': DIED + HOUR } },
  { id: 'c', headers: { 'dueque-dead-at': DIED + 2 * HOUR, 'dueque-attempt': 5 } },
  { id: 'd', reason: 'from-the\nfuture', headers: { 'dueque-dead-at': 'soon' } },
]

async function messagesIn(name: string) {
  const messages = []
  for (;;) {
    const message = await channel.get(name, { noAck: true })
    if (message === false) return messages
    messages.push(message)
  }
}

async function idsIn(name: string): Promise<string[]> {
  return (await messagesIn(name)).map(({ properties }) => properties.messageId as string)
}

async function listed(...args: string[]) {
  const { code, stdout, stderr } = await dead('list', '--json', ...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const found = documents(stdout)
  return { ...found.pop(), ids: found.map(({ id }) => id) }
}

test('list shows reason, attempts and time of each message, counts by reason, and changes nothing', async () => {
  await bury(channel, queue, MIXED)
  const { code, stdout, stderr } = await dead('list')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = stdout.split('\n')
  expect(lines[0]).toMatch(/^ID +NAME +REASON +ATTEMPTS +FIRST FAILED +LAST FAILED +DIED +ERROR$/)
  expect(lines[1]!.split(/ {2,}/)).toEqual([
    'a',
    'test.note',
    'handler-error',
    '3',
    iso(DIED - 30_000),
    iso(DIED - 10_000),
    iso(DIED),
    `\\x1b[2J${'x'.repeat(55)}…`,
  ])
  expect(lines.slice(5)).toEqual(['2 handler-error, 1 invalid-payload, 1 from-the\\x0afuture', ''])
  const json = await dead('list', '--limit', '1', '--json')
  expect(documents(json.stdout)).toEqual([
    {
      id: 'a',
      name: 'test.note',
      reason: 'handler-error',
      error: `\u001b[2J${'x'.repeat(100)}`,
      stack: 'Error: no\n    at book (rooms.ts:7)',
      attempts: 3,
      firstFailedAt: iso(DIED - 30_000),
      lastFailedAt: iso(DIED - 10_000),
      diedAt: iso(DIED),
      dueAt: iso(DIED - 60_000),
      destination: `queue:${queue}`,
      bytes: 7,
    },
    { count: 4, reasons: { 'handler-error': 2, 'invalid-payload': 1, 'from-the\nfuture': 1 } },
  ])
  expect(await idsIn(`${queue}.dead`)).toEqual(['a', 'b', 'c', 'd'])
})

test('each filter narrows the choice, and --after and --before compare the time of death', async () => {
  await bury(channel, queue, MIXED)
  expect(await listed('--reason', 'handler-error')).toEqual({
    ids: ['a', 'c'],
    count: 2,
    reasons: { 'handler-error': 2 },
  })
  expect(await listed('--name', 'test.other', '--name', 'test.none')).toMatchObject({ ids: ['b'] })
  expect(await listed('--id', 'a', '--id', 'd')).toMatchObject({ ids: ['a', 'd'] })
  expect(await listed('--after', iso(DIED + HOUR))).toMatchObject({ ids: ['b', 'c'] })
  expect(await listed('--before', iso(DIED + HOUR))).toMatchObject({ ids: ['a'] })
  expect(await listed('--after', iso(DIED), '--reason', 'handler-error', '--id', 'c')).toMatchObject({ ids: ['c'] })
})

test('show prints one message whole', async () => {
  await bury(channel, queue, MIXED)
  const text = await dead('show', 'a')
  expect(text).toMatchObject({ code: 0, stderr: '' })
  expect(text.stdout).toMatch(/^reason +handler-error$/m)
  expect(text.stdout).toMatch(/^error +\\x1b\[2Jx{100}$/m)
  expect(text.stdout).toMatch(/^ {2}dueque-attempt +3$/m)
  expect(text.stdout).toMatch(/^stack\nError: no\n {4}at book \(rooms\.ts:7\)$/m)
  const json = await dead('show', 'c', '--json')
  expect(documents(json.stdout)).toMatchObject([{ id: 'c', attempts: 5, encoding: 'utf8', body: '{"n":2}' }])
  const none = await dead('show', 'z')
  expect(none).toEqual({ code: 1, stdout: '', stderr: `error: no message with id "z" in ${queue}.dead\n` })
})

test('a queue that was never consumed has no dead queue: exits with 4 and says so', async () => {
  const { code, stdout, stderr } = await run(['dead', 'list', 'no.such.queue', '--json'], env())
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  expect(documents(stderr)).toMatchObject([{ error: { code: 'QUEUE_MISSING' } }])
  expect(stderr).toContain('no.such.queue.dead')
})

test('redrive sends a message back as its next attempt, resets the retry policy, and drops the headers of its death', async () => {
  const past = { 'x-death': [{ queue: 'x', reason: 'expired' }], 'x-first-death-queue': 'x', 'x-last-death-queue': 'x' }
  const kept = { own: 'kept', 'dueque-new': 1, 'dueque-version': 2, 'dueque-expires': Date.now() + HOUR }
  const headers = {
    ...past,
    ...kept,
    'dueque-retry-at': DIED,
    'dueque-dead-stack': 'Error',
    'dueque-to': 'exchange:clinic',
    'x-delivery-count': 3,
  }
  await bury(channel, queue, [
    { id: 'a', headers },
    { id: 'b', reason: 'invalid-payload' },
  ])
  const { code, stdout } = await dead('redrive', '--reason', 'handler-error', '--json')
  expect(code).toBe(0)
  expect(documents(stdout)).toMatchObject([{ id: 'a', destination: `queue:${queue}`, dueAt: iso(DIED - 60_000) }])
  await holds(channel, queue, 1)
  const [message] = await messagesIn(queue)
  expect(message!.properties).toMatchObject({ messageId: 'a', type: 'test.note', deliveryMode: 2 })
  expect(message!.fields.routingKey).toBe(`${queue}.dead`)
  expect(message!.content.toString()).toBe('{"n":0}')
  // RabbitMQ 3.10 counts deliveries of every message, also of this one.
  const { 'x-delivery-count': count = 0, ...left } = message!.properties.headers!
  expect(count).toBe(0)
  expect(left).toEqual({
    ...kept,
    'dueque-due': DIED - 60_000,
    'dueque-revision': 1000,
    'dueque-attempt': 4,
    'dueque-prior-attempts': 3,
    'dueque-to': `queue:${queue}`,
  })
  expect(await idsIn(`${queue}.dead`)).toEqual(['b'])
})

test('the consumer that dead-lettered a message handles it again, even with a dedupe key', async () => {
  const mq = await open(vhost.url)
  const seen: string[] = []
  const fail = ({ id, attempt }: Delivery) => {
    seen.push(`${id} ${attempt}`)
    if (seen.length <= 2) throw new Error('not yet')
  }
  await mq.consume(queue, [on(note, fail)])
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0, id: 'plain' })
  await mq.schedule(note, { n: 2 }, { to: { queue }, in: 0, id: 'keyed', dedupeKey: 'k' })
  await holds(channel, `${queue}.dead`, 2)
  expect(await dead('redrive', '--all')).toEqual({ code: 0, stdout: '2 sent on\n', stderr: '' })
  await poll(() => seen.length >= 4, { what: 'both to be handled again', timeoutMs: 30_000 })
  expect(seen.slice(2).sort()).toEqual(['keyed 2', 'plain 2'])
  expect(await depth(channel, `${queue}.dead`)).toBe(0)
})

test('a redriven message has all of its attempts again', async () => {
  const mq = await open(vhost.url)
  const seen: number[] = []
  const fail = ({ attempt }: Delivery) => {
    seen.push(attempt)
    throw new Error('never')
  }
  const own = unique('again')
  await mq.consume(own, [on(note, fail)], { retry: { attempts: 2, backoff: 0 } })
  await mq.schedule(note, { n: 1 }, { to: { queue: own }, in: 0 })
  for (const attempts of [2, 4, 6]) {
    await holds(channel, `${own}.dead`, 1)
    expect(seen).toHaveLength(attempts)
    if (attempts < 6) expect((await run(['dead', 'redrive', own, '--all'], env())).code).toBe(0)
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6])
})

test('messages that the broker dead-lettered are listed as delivery-limit, and that reason selects them for redrive', async () => {
  const own = unique('worn')
  const mq = await open(vhost.url)
  await declareWorn(channel, own, 2)
  // Its dead queue exists after its first consumer.
  await (await mq.consume(own, [on(note, () => undefined)])).close()
  await mq.schedule(note, { n: 1 }, { to: { queue: own }, in: 100, id: 'worn', declare: true })
  await holds(channel, own, 1)
  await wearOut(vhost.url, own)
  const found = await run(['dead', 'list', own, '--json'], env())
  const [message, counts] = documents(found.stdout)
  expect(message).toMatchObject({ id: 'worn', reason: 'delivery-limit', attempts: 1 })
  expect(Date.now() - Date.parse(message!['diedAt'] as string)).toBeLessThan(120_000)
  expect(counts).toEqual({ count: 1, reasons: { 'delivery-limit': 1 } })
  const none = await run(['dead', 'redrive', own, '--reason', 'rejected'], env())
  expect(none).toMatchObject({ code: 0, stdout: '0 sent on\n' })
  const { stdout } = await run(['dead', 'redrive', own, '--reason', 'delivery-limit'], env())
  expect(stdout).toBe('1 sent on\n')
  await holds(channel, own, 1)
  const [again] = await messagesIn(own)
  expect(Object.keys(again!.properties.headers!).filter((name) => /^x-(death|first|last)/.test(name))).toEqual([])
  expect(again!.fields.routingKey).toBe(own)
})

test('expired messages stay, are counted, and do not use up the limit', async () => {
  const expired = { headers: { 'dueque-expires': Date.now() - 1000 } }
  await bury(channel, queue, [{ id: 'a', ...expired }, { id: 'b', ...expired }, ...many(3)])
  const { code, stdout, stderr } = await dead('redrive', '--limit', '2')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '2 sent on, 2 left\n' })
  expect(stderr).toMatch(/^2 left: of no use any more/)
  const json = await dead('redrive', '--all', '--json')
  expect(documents(json.stdout)).toMatchObject([
    { id: 'a', error: { code: 'EXPIRED' } },
    { id: 'b', error: { code: 'EXPIRED' } },
    { id: 'm-2' },
  ])
  expect((await idsIn(`${queue}.dead`)).sort()).toEqual(['a', 'b'])
})

test('dead messages stay if their work queue is missing; --to and --declare send them on', async () => {
  await bury(channel, gone, many(3))
  const failed = await run(['dead', 'redrive', gone, '--all'], env())
  expect(failed).toMatchObject({ code: 4, stdout: '0 sent on, 3 left\n' })
  expect(failed.stderr).toContain(`3 left: queue:${gone} does not exist`)
  const to = await run(['dead', 'redrive', gone, '--id', 'm-0', '--to', `queue:${queue}`], env())
  expect(to).toMatchObject({ code: 0, stdout: '1 sent on\n' })
  await holds(channel, queue, 1)
  const declared = await run(['dead', 'redrive', gone, '--all', '--declare'], env())
  expect(declared).toMatchObject({ code: 0, stdout: '2 sent on\n' })
  await holds(channel, gone, 2)
})

test('redrive killed half-way loses nothing, and both copies of a duplicate have the same revision', async () => {
  await bury(channel, queue, many(300))
  const { child, ended } = start(['dead', 'redrive', queue, '--all', '--rate', '100/s'], env())
  await poll(async () => (await depth(channel, queue)) >= 20, { what: 'some to be sent on', timeoutMs: 30_000 })
  child.kill('SIGKILL')
  await ended
  // Its messages return when the broker has detected the loss.
  const all = async () => (await depth(channel, queue)) + (await depth(channel, `${queue}.dead`)) >= 300
  await poll(all, { what: 'everything to be there', timeoutMs: 30_000 })
  expect(await depth(channel, `${queue}.dead`)).toBeGreaterThan(0)
  const rest = await dead('redrive', '--all')
  expect(rest).toMatchObject({ code: 0, stderr: '' })
  await poll(async () => (await depth(channel, queue)) >= 300, { what: 'all to be sent on', timeoutMs: 30_000 })
  const arrived = (await messagesIn(queue)).map(
    ({ properties: { messageId, headers } }) => `${messageId as string} ${headers!['dueque-revision'] as number}`,
  )
  expect([...new Set(arrived)].sort()).toEqual(Array.from({ length: 300 }, (_, i) => `m-${i} ${1000 + i}`).sort())
  expect(arrived.length).toBeLessThanOrEqual(310)
  expect(await depth(channel, `${queue}.dead`)).toBe(0)
})

test('a signal ends redrive after the messages in flight, and the rest stays in the dead queue', async () => {
  await bury(channel, queue, many(100))
  const { child, ended } = start(['dead', 'redrive', queue, '--reason', 'handler-error', '--rate', '40/s'], env())
  onTestFinished(() => void child.kill('SIGKILL'))
  await poll(async () => (await depth(channel, queue)) >= 5, { what: 'some to be sent on', timeoutMs: 30_000 })
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 143, stderr: '' })
  const sent = await depth(channel, queue)
  expect(stdout).toBe(`${sent} sent on, then SIGTERM: the others were not looked at\n`)
  expect(await idsIn(`${queue}.dead`)).toEqual(
    many(100)
      .slice(sent)
      .map(({ id }) => id),
  )
})

test('purge needs --yes without a terminal, and removes the messages that match the filters', async () => {
  await bury(channel, queue, [...MIXED, ...many(50)])
  expect(await dead('purge', '--reason', 'handler-error')).toMatchObject({ code: 2, stdout: '' })
  await holds(channel, `${queue}.dead`, 54)
  const before = await dead('purge', '--before', iso(DIED + 1), '--yes')
  expect(before).toEqual({ code: 0, stdout: '51 removed\n', stderr: '' })
  const missing = await dead('purge', '--id', 'b', '--id', 'm-1', '--yes')
  expect(missing).toMatchObject({ code: 1, stdout: '1 removed\n' })
  expect(missing.stderr).toBe(`error: no message with id "m-1" in ${queue}.dead\n`)
  await holds(channel, `${queue}.dead`, 2)
  const all = await dead('purge', '--yes', '--json')
  expect(documents(all.stdout)).toEqual([{ removed: 2 }])
})
