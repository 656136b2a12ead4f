import amqp from 'amqplib'
import { connect, defineMessage, type Dueque } from 'dueque'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { poll, useVhost } from '../support/broker.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const env = () => ({ AMQP_URL: vhost.url })
const note = defineMessage('note', z.number())
let mq: Dueque
let connection: amqp.ChannelModel
let channel: amqp.Channel

beforeAll(async () => {
  mq = await connect({ url: vhost.url })
  connection = await amqp.connect(vhost.url)
  channel = await connection.createChannel()
})
afterAll(async () => {
  await mq.close()
  await connection.close()
})

async function fill(queue: string, count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, payload) => ({
    message: note,
    payload,
    options: { to: { queue }, in: 0, declare: true },
  }))
  for await (const { error } of mq.scheduleAll(items)) expect(error).toBeUndefined()
}

/** Ready messages: those that a consumer holds are not counted. */
const ready = async (queue: string) => (await channel.checkQueue(queue)).messageCount
const settles = (queue: string, count: number) =>
  poll(async () => (await ready(queue)) === count, { what: `${count} messages in ${queue}` })

test('prints each message with id, name, due time, arrival, lateness and payload', async () => {
  const queue = unique('notes')
  const at = new Date()
  await mq.schedule(note, 7, { to: { queue }, at, id: 'n-7\u001b[2J', declare: true })
  const { code, stdout } = await run(['consume', queue, '--limit', '1'], env())
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\S+Z {2}due \S+Z {2}\+[\d.]+ m?s {2}note {2}n-7\\x1b\[2J {2}7\n$/)
  expect(stdout).toContain(`due ${at.toISOString()}`)
})

test('declares nothing with --topology trust', async () => {
  const [queue, missing] = [unique('notes'), unique('missing')]
  await mq.schedule(note, 7, { to: { queue }, in: 0, declare: true })
  const trusting = ['--limit', '1', '--topology', 'trust', '--cancellations', 'off']
  expect(await run(['consume', queue, ...trusting], env())).toMatchObject({ code: 0 })
  const { code, stderr } = await run(['consume', missing, ...trusting], env())
  expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining(`no queue '${missing}'`) as string })
})

test('prints one JSON document a line with --json', async () => {
  const queue = unique('notes')
  await mq.schedule(note, 7, { to: { queue }, in: 0, id: 'n-7', headers: { tenant: 't' }, declare: true })
  const { code, stdout } = await run(['consume', queue, '--limit', '1', '--json'], env())
  const [text, number] = [expect.any(String) as string, expect.any(Number) as number]
  expect({ code, printed: documents(stdout) }).toEqual({
    code: 0,
    printed: [
      {
        name: 'note',
        id: 'n-7',
        payload: 7,
        dueAt: text,
        arrivedAt: text,
        latenessMs: number,
        attempt: 1,
        routingKey: queue,
        exchange: text,
        scheduledAt: text,
        backfilled: false,
        headers: { tenant: 't' },
      },
    ],
  })
})

test.each([[[]], [['--prefetch', '50']]])('acks at most --limit messages and leaves the rest (%j)', async (more) => {
  const queue = unique('notes')
  await fill(queue, 60)
  const { code, stdout } = await run(['consume', queue, '--limit', '7', '--json', ...more], env())
  expect(code).toBe(0)
  expect(documents(stdout)).toHaveLength(7)
  await settles(queue, 53)
})

test('exits with 0 on a signal, once every printed message is acked', async () => {
  const queue = unique('notes')
  await fill(queue, 3)
  const { child, ended, printed } = start(['consume', queue, '--json'], env())
  await printed(3)
  child.kill('SIGINT')
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await settles(queue, 0)
})

test('exits with 0 when its output is closed, and does not ack messages that it did not print', async () => {
  const queue = unique('notes')
  await channel.assertQueue(queue)
  const { child, ended } = start(['consume', queue, '--json'], env())
  child.stdout.destroy()
  await poll(async () => (await channel.checkQueue(queue)).consumerCount > 0, {
    what: 'the consumer',
    timeoutMs: 30_000,
  })
  await fill(queue, 5)
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await settles(queue, 5)
})

test('exits with 1 after messages that it could not print, and moves them to the dead queue', async () => {
  const queue = unique('notes')
  await channel.assertQueue(queue)
  await mq.schedule(note, 0, { to: { queue }, in: 0 })
  channel.sendToQueue(queue, Buffer.from('not JSON'))
  await settles(queue, 2)
  await mq.schedule(note, 1, { to: { queue }, in: 0 })
  const { code, stdout, stderr } = await run(['consume', queue, '--limit', '2', '--json'], env())
  expect(code).toBe(1)
  expect(documents(stdout).map(({ payload }) => payload)).toEqual([0, 1])
  expect(documents(stderr)).toMatchObject([{ warning: { message: 'message given up', reason: 'invalid-payload' } }])
  await settles(`${queue}.dead`, 1)
})

test('fails with 4 if the queue is missing and --no-declare is given', async () => {
  const queue = unique('nowhere')
  const { code, stdout, stderr } = await run(['consume', queue, '--no-declare'], env())
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  expect(stderr).toContain(`error: queue:${queue} does not exist`)
})
