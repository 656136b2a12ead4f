import amqp from 'amqplib'
import { connect, defineMessage, type Destination, type Dueque } from 'dueque'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { documents, run, unique } from './dueque.js'

const vhost = useVhost()
const namespace = unique('status')
const [queue, gone, exchange] = [unique('notes'), unique('gone'), unique('nowhere')]
const note = defineMessage('note', z.number())

const env = (more: Record<string, string> = {}) => ({ AMQP_URL: vhost.url, DUEQUE_NAMESPACE: namespace, ...more })
const status = (args: string[], more?: Record<string, string>) => run(['status', ...args], env(more))

let mq: Dueque
let connection: amqp.ChannelModel
let channel: amqp.Channel

const namesOf = (...rungs: string[]) => rungs.map((rung) => `${namespace}.v1.wait.${rung}`)
const shards = namesOf('2h', '2h.1', '2h.2', 'classic.2h')
const unroutable = `${namespace}.v1.unroutable`

/** Three rungs, one of them in several queues, filled here: a schedule may take more than one. Also a message to an exchange that routes nowhere, one parked, two dead. */
beforeAll(async () => {
  connection = await amqp.connect(vhost.url)
  channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'direct')
  mq = await connect({ url: vhost.url, namespace })
  const send = (to: Destination, delay: string) => mq.schedule(note, 1, { to, in: delay, declare: true })
  for (const rung of [...namesOf('30m', '1h'), ...shards]) await channel.assertQueue(rung)
  const filled = [...namesOf('1h', '30m', '1h'), ...shards, `${queue}.dead`, `${queue}.dead`]
  await channel.assertQueue(`${queue}.dead`)
  for (const one of filled) channel.sendToQueue(one, Buffer.from('1'))
  await send({ exchange }, '0ms')
  await send({ queue: gone }, '5s')
  await channel.deleteQueue(gone)
})
afterAll(async () => {
  await mq.close()
  await connection.close()
})

const count = (messages: number, ready = messages) => ({ messages, ready })
const waiting = {
  ...count(7),
  rungs: [
    { rung: '30m', ...count(1), queues: namesOf('30m'), backedUp: false },
    { rung: '1h', ...count(2), queues: namesOf('1h'), backedUp: false },
    { rung: '2h', ...count(4), queues: shards, backedUp: false },
  ],
}
const parked = { queue: `${namespace}.v1.parked`, ...count(1) }

async function reports(expected: object, args: string[], more?: Record<string, string>): Promise<void> {
  let last: unknown
  const same = async () => {
    const { code, stdout, stderr } = await status(['--json', ...args], more)
    last = { code, stderr, report: documents(stdout)[0] }
    expect(last).toMatchObject({ code: 0, stderr: '', report: expected })
    return true
  }
  await poll(same, { what: 'the counts', timeoutMs: 40_000 })
}

test('counts waiting messages by rung, messages in outlets, parked and dead messages, by the management API', async (context) => {
  const url = managementUrl()
  if (url === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  const expected = {
    namespace,
    source: 'management',
    waiting,
    outlets: [{ exchange, queue: `${namespace}.v1.to.${exchange}`, ...count(1, 0) }],
    unroutable: { queue: unroutable, ...count(0) },
    parked,
    // The other dead queue is not bound in this namespace.
    dead: [{ queue: `${gone}.dead`, ...count(0) }],
    waitingIn: null,
  }
  await reports(expected, ['--management', url!])
  const asked = { dead: [{ queue: `${queue}.dead`, ...count(2) }], targets: [{ target: `queue:${queue}`, dead: 2 }] }
  await reports({ ...expected, ...asked }, ['--queue', queue], { RABBITMQ_MANAGEMENT_URL: url! })
})

test('without the management API, counts what AMQP shows', async () => {
  const rest = { namespace, source: 'amqp', waiting, outlets: [], parked }
  const dead = [{ queue: `${queue}.dead`, ...count(2) }]
  const args = ['--no-management', '--queue', queue, '--queue', unique('none')]
  await reports({ ...rest, dead }, [...args, '--shards', '3'])
})

test('prints its counts and their source in words', async () => {
  await mq.close()
  channel.sendToQueue(unroutable, Buffer.from('1'))
  await poll(async () => (await channel.checkQueue(unroutable)).messageCount === 1, { what: 'an unroutable message' })
  const [{ code, stdout }, short] = await Promise.all([
    status(['--no-management', '--queue', queue, '--rungs']),
    status(['--no-management']),
  ])
  expect(code).toBe(0)
  const rows = stdout.split('\n').map((row) => row.trim().split(/ {2,}/))
  expect(rows).toContainEqual(['1h', '2'])
  expect(rows).toContainEqual(['unroutable', '1', 'sent on or parked by the next process that connects'])
  expect(rows).toContainEqual(['parked', '1'])
  expect(rows).toContainEqual([`queue:${queue}`, ...Array.from({ length: 5 }, () => '-'), '2', '-', 'is missing'])
  expect(stdout).toContain('Counted over AMQP')
  expect(stdout).toContain('not known without a journal (ladder({ journal: true })) or a store')
  expect(short.stdout).toMatch(/^waiting +\d+ {2}in 3 rungs \(--rungs shows each\)$/m)
})

test('counts a message that schedule made wait', async () => {
  const own = unique('own')
  const message = ['--queue', unique('notes'), '--in', '30m', '--declare', '--data', '1']
  expect((await run(['schedule', ...message], env({ DUEQUE_NAMESPACE: own }))).code).toBe(0)
  const { stdout } = await status(['--no-management', '--json', '--namespace', own])
  expect(documents(stdout)).toMatchObject([{ namespace: own, waiting: count(1), parked: count(0), dead: [] }])
})

test('says so if nothing was ever declared', async () => {
  const { code, stdout } = await status(['--no-management', '--namespace', unique('new')])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^parked +0 {2}nothing was declared in namespace new-\w+ yet$/m)
})

test('fails with 3 if the named management API does not answer, and does not show its password', async () => {
  const { code, stdout, stderr } = await status(['--management', 'http://me:s3cret@127.0.0.1:9'])
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toMatch(/^error: management API at 127\.0\.0\.1:9: /)
  expect(stderr).not.toContain('s3cret')
})
