import { Redis } from 'ioredis'
import { connect, defineMessage, on } from 'dueque'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { redis } from '../../src/strategies/redis/index.js'
import { poll, useVhost } from '../support/broker.js'
import { useRedis } from '../support/redis.js'
import { documents, run, unique } from './dueque.js'

const vhost = useVhost()
const server = useRedis()
const env = () => ({ AMQP_URL: 'amqp://127.0.0.1:1', DUEQUE_REDIS_URL: server.url, DUEQUE_REDIS_PREFIX: server.prefix })
const note = defineMessage('note', z.unknown())
const at = (day: number) => new Date(Date.UTC(2035, 0, day))
const queue = unique('reminders')
let client: Redis

beforeAll(async () => {
  client = new Redis(server.url)
  const mq = await connect({ url: vhost.url, strategy: redis({ client, prefix: server.prefix, relay: false }) })
  for (const day of [3, 1, 2]) {
    const headers = { tenant: 't\u001b' }
    await mq.schedule(note, { day }, { to: { queue }, at: at(day), id: `day-${day}`, headers, declare: true })
  }
  const other = { queue: `${queue}-other` }
  await mq.schedule(defineMessage('other', z.unknown()), 'ü', { to: other, at: at(2), id: 'other', declare: true })
  await mq.close()
})
afterAll(() => client.quit())

test('list shows waiting messages by due time, in pages, without RabbitMQ', async () => {
  const text = await run(['list', '--queue', queue, '--limit', '2'], env())
  const [head, ...lines] = text.stdout.trimEnd().split('\n')
  expect(head).toMatch(/^ID +NAME +DESTINATION +DUE +ATTEMPT$/)
  expect(lines.map((line) => line.split(/ +/)[0])).toEqual(['day-1', 'day-2'])
  const [, cursor] = /--cursor (\S+)\n$/.exec(text.stderr)!
  const rest = await run(['list', '--queue', queue, '--limit', '2', '--cursor', cursor!, '--json'], env())
  expect({ ...rest, stdout: documents(rest.stdout) }).toMatchObject({
    code: 0,
    stdout: [{ id: 'day-3', payload: { day: 3 }, dueAt: '2035-01-03T00:00:00.000Z', destination: { queue } }],
  })
  const page = await run(['list', '--limit', '3', '--json'], env())
  expect(documents(page.stdout).map(Object.keys).at(-1)).toEqual(['cursor'])
  const ids = async (...args: string[]) =>
    documents((await run(['list', '--json', ...args], env())).stdout).map(({ id }) => id)
  expect(await ids('--name', 'other')).toEqual(['other'])
  expect(await ids('--from', '2035-01-02T00:00:00Z', '--to', '2035-01-03T00:00:00Z', '--queue', queue)).toEqual([
    'day-2',
  ])
})

test('count counts all messages, or those that match the filters', async () => {
  expect(await run(['count'], env())).toEqual({ code: 0, stdout: '4\n', stderr: '' })
  const some = await run(['count', '--queue', queue, '--to', '2035-01-03T00:00:00Z', '--json'], env())
  expect(documents(some.stdout)).toEqual([{ count: 2 }])
})

test('cancel --all removes what fits, and count counts by day', async () => {
  // Beyond all other messages, and never around midnight.
  const noon = new Date(Date.now() + 3600 * 86_400_000).toISOString().replace(/T.*/, 'T12:00:00Z')
  const args = ['schedule', '--queue', queue, '--at', noon, '--header', 'bulk=yes']
  const lines = Array.from({ length: 5 }, (_, n) => JSON.stringify({ data: n, id: `bulk/${n}` })).join('\n')
  expect(await run(args, { ...env(), AMQP_URL: vhost.url }, lines)).toMatchObject({ code: 0 })
  const days = await run(['count', '--by', 'day', '--header', 'bulk=yes', '--json'], env())
  const some = ['cancel', '--all', '--id-prefix', 'bulk/4', '--header', 'bulk=yes', '--yes', '--json']
  const one = await run(some, env())
  expect(documents(days.stdout)).toMatchObject([{ count: 5 }])
  expect(one).toMatchObject({ code: 0, stderr: '' })
  expect(documents(one.stdout)).toMatchObject([
    { id: 'bulk/4', outcome: 'cancelled' },
    { cancelled: 1, tooLate: 0, notWaiting: 0 },
  ])
  const others = ['cancel', '--all', '--queue', queue, '--header', 'bulk=yes']
  const dry = await run([...others, '--dry-run'], env())
  expect(dry).toEqual({ code: 0, stdout: '4 would be cancelled\n', stderr: '' })
  const rest = await run([...others, '--yes'], env())
  expect(rest).toEqual({ code: 0, stdout: '4 cancelled\n', stderr: '' })
})

test('show prints one message whole, and reports a missing one by its exit code', async () => {
  const text = await run(['show', 'day-1'], env())
  expect(text).toMatchObject({ code: 0, stderr: '' })
  expect(text.stdout).toMatch(/^due +2035-01-01T00:00:00.000Z$/m)
  expect(text.stdout).toMatch(/^ {2}tenant +"t\\u001b"$/m)
  expect(text.stdout).toMatch(/^payload +\{"day":1\}$/m)
  expect(await run(['show', 'never'], env())).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error: no message with id "never" waits\n',
  })
})

test('reschedule and cancel change a waiting message, and say if it does not wait', async () => {
  const later = await run(['reschedule', 'other', '--at', '2035-02-01T00:00:00Z'], env())
  expect(later).toEqual({ code: 0, stdout: 'other is due 2035-02-01T00:00:00.000Z\n', stderr: '' })
  const gone = await run(['reschedule', 'never', '--in', '1h', '--json'], env())
  expect(gone).toMatchObject({ code: 1, stdout: '' })
  expect(documents(gone.stderr)).toMatchObject([{ error: { code: 'NOT_WAITING' } }])
  expect(await run(['cancel', 'other', '--revision', '1'], env())).toMatchObject({ code: 1 })
  const [shown] = documents((await run(['show', 'other', '--json'], env())).stdout)
  const again = ['reschedule', 'other', '--in', '3650d', '--revision', String(shown!['revision'])]
  expect(await run(again, env())).toMatchObject({ code: 0, stderr: '' })
  const cancelled = await run(['cancel', 'other', 'never'], env())
  expect(cancelled).toEqual({
    code: 1,
    stdout: 'cancelled other\n',
    stderr: 'error: no message with id "never" waits\n',
  })
  expect(await run(['count', '--from', '2035-01-04T00:00:00Z'], env())).toMatchObject({ code: 0, stdout: '0\n' })
})

test('schedule with a store makes the message wait there', async () => {
  const args = ['schedule', '--queue', queue, '--in', '3650d', '--id', 'by-hand', '--data', '1']
  const { code, stderr } = await run(args, { ...env(), AMQP_URL: vhost.url })
  expect({ code, warnings: stderr.match(/^warning: appendonly is no/gm)?.length }).toEqual({ code: 0, warnings: 1 })
  expect(await run(['cancel', 'by-hand'], env())).toMatchObject({ code: 0 })
})

test('problems of the store are reported without its password', async () => {
  const { DUEQUE_REDIS_URL: _, ...none } = env()
  const away = await run(['list', '--redis', 'redis://:secret@127.0.0.1:1'], none)
  expect(away).toMatchObject({ code: 3, stdout: '' })
  expect(away.stderr).toMatch(/^error: Redis: .*ECONNREFUSED/)
  const denied = await run(['count', '--redis', server.url.replace('//', '//nobody:secret@')], none)
  expect(denied).toMatchObject({ code: 3, stdout: '' })
  expect(away.stderr + denied.stderr).not.toContain('secret')
})

describe('without a store, messages that wait in RabbitMQ itself', () => {
  const rabbit = () => ({ AMQP_URL: vhost.url })
  /** Time enough to start the command line, on a busy machine too. */
  const DELAY_MS = 8000
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

  /** A consumer, and a producer in the ladder. */
  async function world() {
    const mq = await connect({ url: vhost.url })
    onTestFinished(() => mq.close())
    const queue = unique('ladder')
    const seen: unknown[] = []
    const consumer = await mq.consume(queue, [on(note, ({ payload }) => void seen.push(payload))])
    const schedule = (id: string, delay: number) => mq.schedule(note, id, { to: { queue }, in: delay, id })
    return { queue, seen, consumer, schedule }
  }

  test('are cancelled by their ids: cancelled with a due time, unknown without, and too late behind it', async () => {
    const { seen, consumer, schedule } = await world()
    const receipts = await Promise.all(['a', 'b', 'c'].map((id) => schedule(id, DELAY_MS)))
    const [known, unknown, late] = await Promise.all([
      run(['cancel', 'a', '--due', receipts[0]!.dueAt, '--json'], rabbit()),
      run(['cancel', 'b'], rabbit()),
      run(['cancel', 'never', '--due', inMs(-1000)], rabbit()),
    ])
    const stdout = documents(known.stdout)
    expect({ ...known, stdout }).toEqual({ code: 0, stdout: [{ id: 'a', outcome: 'cancelled' }], stderr: '' })
    expect(unknown).toMatchObject({ code: 0, stderr: '' })
    expect(unknown.stdout).toMatch(/^cancelled b, if it is due within 30 days and not handled yet: --due/)
    expect(late).toMatchObject({ code: 1, stdout: '' })
    expect(late.stderr).toMatch(/^error: too late for "never"/)
    await poll(() => seen.length > 0, { what: 'the third', timeoutMs: 30_000 })
    await poll(() => consumer.stats().cancelled === 2, { what: 'two to be dropped', timeoutMs: 30_000 })
    expect(seen).toEqual(['c'])
  })

  test('are cancelled by ids or receipts on standard input, and a bad line stops none of the others', async () => {
    const { seen, consumer, schedule } = await world()
    const receipts = await Promise.all(['d', 'e', 'f', 'g'].map((id) => schedule(id, DELAY_MS)))
    const lines = ['{"id":5}', JSON.stringify(receipts[2]), 'no receipt'].join('\n')
    const [byId, byReceipt] = await Promise.all([
      run(['cancel', '-', '--json'], rabbit(), 'd\n\n  e \n'),
      run(['cancel', '-', '--receipts', '--json'], rabbit(), lines),
    ])
    expect(documents(byId.stdout)).toEqual(['d', 'e'].map((id) => ({ id, outcome: 'unknown' })))
    expect(byReceipt.code).toBe(1)
    const bad = (id: string) => ({ id, error: { code: 'INVALID_LINE', message: expect.any(String) as string } })
    expect(documents(byReceipt.stdout)).toHaveLength(3)
    expect(documents(byReceipt.stdout)).toEqual(
      expect.arrayContaining([bad('line 1'), { id: 'f', outcome: 'cancelled' }, bad('line 3')]),
    )
    await poll(() => consumer.stats().cancelled === 3, { what: 'three to be dropped', timeoutMs: 30_000 })
    await poll(() => seen.length > 0, { what: 'the last', timeoutMs: 30_000 })
    expect(seen).toEqual(['g'])
  })

  test('are rescheduled with the whole message, and the old one is dropped', async () => {
    const { queue, seen, consumer, schedule } = await world()
    const { dueAt } = await schedule('h', DELAY_MS)
    const to = ['--queue', queue, '--name', 'note']
    const moved = await run(
      ['reschedule', 'h', '--in', '1s', '--due', dueAt, ...to, '--data', '"new"', '--json'],
      rabbit(),
    )
    expect(moved).toMatchObject({ code: 0, stderr: '' })
    expect(documents(moved.stdout)).toMatchObject([{ id: 'h', replaced: 'cancelled', destination: { queue } }])
    await poll(() => consumer.stats().cancelled === 1, { what: 'the old one to be dropped', timeoutMs: 30_000 })
    expect(seen).toEqual(['new'])
    const late = await run(['reschedule', 'i', '--in', '1h', '--due', inMs(-1000), ...to, '--data', '1'], rabbit())
    expect(late).toMatchObject({ code: 1, stderr: '' })
    expect(late.stdout).toMatch(/^i is due .+Z\. It was too late to cancel the old message/)
  })
})

test('reschedule with a store takes another content as well', async () => {
  const args = ['schedule', '--queue', queue, '--in', '3650d', '--id', 'moved', '--data', '1']
  expect(await run(args, { ...env(), AMQP_URL: vhost.url })).toMatchObject({ code: 0 })
  const moved = await run(['reschedule', 'moved', '--at', '2035-05-01T00:00:00Z', '--data', '{"n":2}', '--json'], env())
  expect(moved).toMatchObject({ code: 0, stderr: '' })
  const shown = await run(['show', 'moved', '--json'], env())
  expect(documents(shown.stdout)).toMatchObject([{ payload: { n: 2 }, dueAt: '2035-05-01T00:00:00.000Z' }])
  expect(await run(['cancel', 'moved'], env())).toMatchObject({ code: 0 })
})
