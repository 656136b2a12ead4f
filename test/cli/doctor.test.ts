import amqp from 'amqplib'
import { connect, defineMessage, type Dueque } from 'dueque'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { Layout } from '../../src/amqp/topology/layout.js'
import { Names } from '../../src/amqp/topology/names.js'
import { LadderLayout } from '../../src/strategies/ladder/ladder-layout.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { PATTERNS, userWith } from '../support/users.js'
import { applyAs, applyCancellations } from '../strategies/trust-world.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const note = defineMessage('note', z.number())
const namespace = unique('doctor')
const [full, nowhere, user] = [unique('full'), unique('nowhere'), unique('user')]
const policy = unique('short')
const prefix = `${namespace}.v1`

let connection: amqp.ChannelModel
let channel: amqp.Channel
let mq: Dueque

beforeAll(async () => {
  connection = await amqp.connect(vhost.url)
  channel = await connection.createChannel()
})
afterAll(async () => {
  await mq?.close()
  await connection.close()
  if (managementUrl() !== undefined) await management(`/users/${user}`, { method: 'DELETE' }).catch(() => undefined)
})

interface Found {
  area: string
  severity: string
  code: string
  what: string
  todo: string
}

const env = (url = vhost.url) => ({ AMQP_URL: url, DUEQUE_NAMESPACE: namespace })

async function doctor(args: string[], url?: string): Promise<{ code: number | null; findings: Found[] }> {
  const { code, stdout, stderr } = await run(['doctor', '--json', ...args], env(url))
  expect(stderr).toBe('')
  const [report] = documents(stdout) as [{ findings: Found[] }]
  return { code, findings: report.findings }
}

const withCode = (findings: readonly Found[], code: string) => findings.filter((one) => one.code === code)
const doctorQueues = async () =>
  (await management<{ name: string }[]>(`/queues/${vhost.name}?disable_stats=true&enable_queue_totals=true`)).filter(
    ({ name }) => name.includes('.doctor.'),
  )

test('sends a test message through a new broker, and reports its lateness', async () => {
  const { code, findings } = await doctor(['--no-management'])
  expect(withCode(findings, 'layout-new')).toHaveLength(1)
  expect(withCode(findings, 'left-out')).toMatchObject([{ severity: 'note' }])
  expect(withCode(findings, 'trip')).toMatchObject([
    { severity: 'ok', what: expect.stringMatching(/arrived [\d.]+ m?s late/) as string },
  ])
  expect(code).toBe(findings.some(({ severity }) => severity === 'warning') ? 5 : 0)
})

test('reports problems of policies, exchanges, queues and rungs, and how to solve them', async (context) => {
  if (managementUrl() === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  await channel.assertExchange(nowhere, 'direct')
  await channel.assertQueue(full, { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } })
  channel.sendToQueue(full, Buffer.from('1'))
  mq = await connect({ url: vhost.url, namespace })
  await mq.schedule(note, 1, { to: { exchange: nowhere }, in: '30m' })
  await mq.schedule(note, 1, { to: { exchange: nowhere }, in: '0ms' })
  await mq.schedule(note, 1, { to: { queue: full }, in: '30m' })
  await mq.schedule(note, 1, { to: { queue: full }, in: '1s' })
  await mq.close()
  await channel.unbindQueue(`${prefix}.wait.30m`, `${prefix}.entry.m`, 'dq~30m')
  const definition = { 'message-ttl': 600_000 }
  const body = { pattern: '.*', definition, 'apply-to': 'queues' }
  await management(`/policies/${vhost.name}/${policy}`, { method: 'PUT', body })
  const args = ['--no-round-trip', '--management', managementUrl()!]
  let found: Found[] = []
  const jamOf = (name: string) => withCode(found, 'jam').filter((one) => one.what.startsWith(`${name} holds`))
  // RabbitMQ 4 keeps them in the rung, 3.10 finds no route for them when it tries again.
  const refused = () =>
    found.filter(
      ({ code, what, todo }) =>
        ['jam', 'unroutable'].includes(code) && `${what}${todo}`.includes(`queue ${full} is full`),
    )
  const jammed = async () => {
    const { code, findings } = await doctor(args)
    expect(code).toBe(6)
    found = findings
    return jamOf(`${prefix}.to.${nowhere}`).length > 0 && refused().length > 0
  }
  await poll(jammed, { what: 'messages that hang', timeoutMs: 50_000 })
  await management(`/policies/${vhost.name}/${policy}`, { method: 'DELETE' })

  const what = (text: string) => expect.stringContaining(text) as string
  expect(withCode(found, 'policy-message-ttl')).toContainEqual({
    area: 'policies',
    severity: 'error',
    code: 'policy-message-ttl',
    what: what(`policy ${policy} (pattern .*) sets message-ttl=600000 on ${prefix}.wait.11m`),
    todo: what(`rabbitmqctl clear_policy -p ${vhost.name} ${policy}`),
  })
  expect(withCode(found, 'exchange-unbound')).toMatchObject([
    { severity: 'error', what: what(`exchange ${nowhere} has no binding`) },
  ])
  expect(withCode(found, 'queue-full')).toMatchObject([
    { severity: 'error', what: what(`queue ${full} is full (1 message`) },
  ])
  expect(withCode(found, 'rung-unbound')).toMatchObject([
    { severity: 'error', what: what(`rung ${prefix}.wait.30m is not bound`) },
  ])
  expect(jamOf(`${prefix}.to.${nowhere}`)).toMatchObject([
    { severity: 'warning', what: what(`${prefix}.to.${nowhere} holds 1 message`) },
  ])
  expect(jamOf(`${prefix}.to.${nowhere}`)[0]!.what).toContain(`exchange ${nowhere} has no binding`)
})

test.for(['classic', 'quorum'])(
  'names a %s queue that is full by bytes',
  { timeout: 90_000 },
  async (type, context) => {
    if (managementUrl() === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
    const queue = unique('bytes')
    const limits = { 'x-queue-type': type, 'x-max-length-bytes': 1000, 'x-overflow': 'reject-publish' }
    await channel.assertQueue(queue, { durable: true, arguments: limits })
    await channel.bindQueue(queue, `${prefix}.deliver`, `dq~queue~${queue}`)
    const seen = async (code: string) => {
      const { findings } = await doctor(['--no-round-trip', '--management', managementUrl()!])
      return withCode(findings, code).some(({ what }) => what.startsWith(`queue ${queue} `))
    }
    expect(await seen('queue-rejects')).toBe(true)
    for (let i = 0; i < 3; i++) channel.sendToQueue(queue, Buffer.alloc(300), { persistent: true })
    await poll(() => seen('queue-full'), { what: 'a full queue', timeoutMs: 60_000 })
    await channel.deleteQueue(queue)
  },
)

test('names the missing permission, and the rungs that the user may not declare', async (context) => {
  if (managementUrl() === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  await management(`/users/${user}`, { method: 'PUT', body: { password: user, tags: 'management' } })
  const body = { configure: `^${prefix}.(?!wait|doctor)`, write: '.*', read: '.*' }
  await management(`/permissions/${vhost.name}/${user}`, { method: 'PUT', body })
  const url = new URL(vhost.url)
  url.username = url.password = user
  const { code, findings } = await doctor(['--management', managementUrl()!], url.href)
  expect(code).toBe(6)
  expect(withCode(findings, 'no-configure-permission')).toMatchObject([
    { severity: 'error', what: `user ${user} has no configure permission on ${prefix}.wait.1s` },
  ])
  expect(findings.map((one) => one.code)).not.toContain('no-write-permission')
  expect(withCode(findings, 'rung-missing')).toMatchObject([
    { severity: 'error', what: expect.stringMatching(/\d+ rungs are missing, and user .* 1m…29m, 31m…59m/) as string },
  ])
  expect(withCode(findings, 'trip-denied')).toMatchObject([{ severity: 'note' }])
  expect(withCode(findings, 'left-out')).toMatchObject([{ what: expect.stringContaining('alarms') as string }])
})

test('names the one rung that was deleted after topology apply', { timeout: 120_000 }, async (context) => {
  if (managementUrl() === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  const all = unique('all')
  const names = new Names(all)
  const ladder = new LadderLayout(names).everything('quorum', 1)
  await applyAs(vhost.url, [...new Layout(names, 'quorum').base(), ...ladder])
  await channel.deleteQueue(`${all}.v1.wait.2h`)
  const args = ['--no-round-trip', '--namespace', all, '--management', managementUrl()!]
  const missing = async (...more: string[]) => withCode((await doctor([...args, ...more])).findings, 'rung-missing')
  const what = expect.stringMatching(/deleted: 2h$/) as string
  expect(await missing()).toMatchObject([
    { severity: 'warning', what, todo: expect.stringContaining('topology apply') as string },
  ])
  const sharded = await missing('--shards', '2', '--topology', 'trust')
  expect(sharded).toMatchObject([{ severity: 'error' }])
  expect(sharded[0]!.what).toContain('376 queues of rungs are missing')
  expect(sharded[0]!.what).toContain('10ms…990ms (shard 1)')
})

test('with topology trust, reports to a user with least privilege only its own problems', async (context) => {
  if (managementUrl() === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  const queue = unique('reminders')
  const [producer, consumer, heedless] = await Promise.all([
    userWith(vhost, PATTERNS.producer),
    userWith(vhost, PATTERNS.consumer(queue)),
    userWith(vhost, PATTERNS.heedlessConsumer(queue)),
  ])
  const trusting = async (url: string, ...args: string[]) => {
    const { findings } = await doctor(['--no-management', '--topology', 'trust', '--namespace', 'dueque', ...args], url)
    const isExpected = (code: string) => code.startsWith('version-') || code === 'journal-none'
    return findings.filter(({ severity, code }) => severity !== 'ok' && !isExpected(code))
  }
  const told = (findings: readonly Found[]) => findings.map(({ severity, code }) => `${severity} ${code}`)
  const nothing = ['note settings-unseen', 'note left-out', 'note trip-left-out']
  expect(told(await trusting(producer))).toContain('error layout-missing')
  const layout = new Layout(new Names('dueque'), 'quorum')
  await applyAs(vhost.url, [...layout.base(), ...new LadderLayout(layout.names).exchanges()])
  expect(told(await trusting(consumer, '--queue', queue))).toContain('error streams-missing')
  await applyCancellations(vhost.url)
  expect(told(await trusting(producer))).toEqual(nothing)
  expect(told(await trusting(consumer))).toEqual(nothing)
  expect(told(await trusting(consumer, '--queue', queue))).toEqual(nothing)

  const found = await trusting(producer, '--queue', queue)
  expect(told(found)).toEqual([
    ...nothing.slice(0, 2),
    'error no-write-permission',
    'error no-read-permission',
    'note unroutable-left',
    ...nothing.slice(2),
  ])
  const { username } = new URL(producer)
  const write = withCode(found, 'no-write-permission')[0]!
  expect(write.what).toBe(`user ${username} has no write permission on dueque.v1.dead, dueque.v1.parked`)
  expect(told(await trusting(heedless, '--queue', queue))).toContain('error no-read-permission')
  expect(told(await trusting(heedless, '--queue', queue, '--no-cancellations'))).toEqual(nothing)
  const journalling = withCode(await trusting(producer, '--journal'), 'no-write-permission')
  expect(journalling[0]!.what).toBe(`user ${username} has no write permission on dueque.v1.journal`)
  const [, ...patterns] = / '([^']*)' '([^']*)' '([^']*)' /.exec(write.todo)!
  const { configure, write: written, read } = PATTERNS.consumer(queue)
  expect(patterns).toEqual([configure, written, read])
  expect(withCode(found, 'no-read-permission')[0]!.what).toBe(
    `user ${username} has no read permission on dueque.v1.cancellations.1h, dueque.v1.cancellations.8h, dueque.v1.cancellations.3d and 4 more`,
  )
})

test('deletes its queue on Ctrl-C', async (context) => {
  if (managementUrl() === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  const { child, ended } = start(['doctor', '--no-management', '--json'], env())
  await poll(async () => (await doctorQueues()).length > 0, { what: 'the queue of the round trip', timeoutMs: 20_000 })
  child.kill('SIGINT')
  const { code } = await ended
  expect(code).toBe(130)
  expect(await doctorQueues()).toEqual([])
})
