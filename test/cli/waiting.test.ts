import { Redis } from 'ioredis'
import { connect, defineMessage } from 'dueque'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { redis } from '../../src/strategies/redis/index.js'
import { useVhost } from '../support/broker.js'
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
  const without = await run(['list'], none)
  expect(without).toMatchObject({ code: 2, stdout: '' })
  expect(without.stderr).toContain('--redis URL')
  const away = await run(['list', '--redis', 'redis://:secret@127.0.0.1:1'], none)
  expect(away).toMatchObject({ code: 3, stdout: '' })
  expect(away.stderr).toMatch(/^error: Redis: .*ECONNREFUSED/)
  const denied = await run(['count', '--redis', server.url.replace('//', '//nobody:secret@')], none)
  expect(denied).toMatchObject({ code: 3, stdout: '' })
  expect(away.stderr + denied.stderr).not.toContain('secret')
})
