import type { Channel } from 'amqplib'
import { connect } from 'dueque'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { rawChannel } from '../support/mq.js'
import { depth, holds, idsIn, park, PARKED } from '../support/parked.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const env = () => ({ AMQP_URL: vhost.url })
let channel: Channel

beforeAll(async () => {
  // Declares the topology.
  const mq = await connect({ url: vhost.url })
  await mq.close()
})
beforeEach(async () => {
  channel = await rawChannel(vhost.url)
  await channel.purgeQueue(PARKED)
})

const due = Date.UTC(2026, 0, 31, 9)
const many = (count: number, queue: string) =>
  Array.from({ length: count }, (_, i) => ({ id: `m-${i}`, to: `queue:${queue}` }))

test('list shows parked messages, and leaves them parked', async () => {
  const headers = { 'dueque-parked-at': due + 1, 'dueque-parked-reason': 'not-bound' }
  await park(channel, [{ id: 'a\u001b[2J', to: 'queue:gone', due, headers }, { id: 'b' }, { id: 'c' }])
  const text = await run(['parked', 'list'], env())
  await holds(channel, PARKED, 3)
  const json = await run(['parked', 'list', '--limit', '1', '--json'], env())
  expect(text).toMatchObject({ code: 0, stderr: '' })
  expect(text.stdout.split('\n')[0]).toMatch(/^ID +NAME +DESTINATION +DUE +PARKED +REASON +BYTES$/)
  expect(text.stdout).toContain(
    'a\\x1b[2J  test.note  queue:gone   2026-01-31T09:00:00.000Z  2026-01-31T09:00:00.001Z  not-bound      7',
  )
  expect({ code: json.code, found: documents(json.stdout) }).toEqual({
    code: 0,
    found: [
      {
        id: 'a\u001b[2J',
        name: 'test.note',
        destination: 'queue:gone',
        dueAt: '2026-01-31T09:00:00.000Z',
        parkedAt: '2026-01-31T09:00:00.001Z',
        reason: 'not-bound',
        bytes: 7,
      },
    ],
  })
  expect(await depth(channel, PARKED)).toBe(3)
})

test('foreign text cannot control the terminal, in a table or in JSON, and JSON preserves it', async () => {
  const id = 'a\u009b2J\u202eb\u2028\u2066'
  await park(channel, [{ id, to: 'queue:gone\u200f' }])
  const text = await run(['parked', 'list'], env())
  expect(text.stdout).toContain('a\\x9b2J\\u202eb\\u2028\\u2066')
  const json = await run(['parked', 'list', '--json'], env())
  expect(documents(json.stdout)).toMatchObject([{ id, destination: 'queue:gone\u200f' }])
  const error = await run(['parked', 'show', 'none\u202e\u0085', '--json'], env())
  for (const shown of [text.stdout, json.stdout, error.stderr])
    expect(shown).not.toMatch(/[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/u)
})

test('show prints one message whole, binary as base64', async () => {
  await park(channel, [
    { id: 'a', to: 'queue:gone', due, body: Buffer.from('ä'.repeat(600)), headers: { tenant: 't\u001b' } },
    { id: 'b', body: Buffer.from([255, 0]) },
  ])
  const text = await run(['parked', 'show', 'a'], env())
  expect(text).toMatchObject({ code: 0, stderr: '' })
  expect(text.stdout).toMatch(/^ {2}tenant +"t\\u001b"$/m)
  expect(text.stdout).toMatch(/\nbody \(1,200 bytes, the first 1000: --full\)\nä{500}\n$/)
  const json = await run(['parked', 'show', 'b', '--full', '--json'], env())
  expect(documents(json.stdout)).toMatchObject([
    { id: 'b', encoding: 'base64', body: '/wA=', cut: false, routingKey: 'key' },
  ])
  const none = await run(['parked', 'show', 'z'], env())
  expect(none).toEqual({ code: 1, stdout: '', stderr: `error: no message with id "z" in ${PARKED}\n` })
  expect(await depth(channel, PARKED)).toBe(2)
})

test('redrive leaves messages whose destination is missing, and names it; --bind and --declare send them on', async () => {
  const queue = unique('gone')
  await park(channel, [...many(3, queue), { id: 'astray' }])
  const failed = await run(['parked', 'redrive', '--all'], env())
  expect(failed).toMatchObject({ code: 4, stdout: '0 sent on, 4 left\n' })
  expect(failed.stderr).toContain(
    `3 left: queue:${queue} does not exist (declare it, or --bind queue:${queue} --declare`,
  )
  expect(failed.stderr).toContain('1 left: it does not say where it belongs (--to queue:NAME')
  await holds(channel, PARKED, 4)
  const { code, stdout } = await run(
    ['parked', 'redrive', '--all', '--bind', `queue:${queue}`, '--declare', '--json'],
    env(),
  )
  expect(code).toBe(1)
  const outcomes = documents(stdout).sort((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1))
  expect(outcomes).toMatchObject([
    { id: 'astray', error: { code: 'DESTINATION_MISSING' } },
    { id: 'm-0', destination: `queue:${queue}` },
    { id: 'm-1' },
    { id: 'm-2' },
  ])
  await holds(channel, queue, 3)
  const to = await run(['parked', 'redrive', '--id', 'astray', '--id', 'm-0', '--to', `queue:${queue}`], env())
  expect(to).toMatchObject({ code: 1, stdout: '1 sent on\n', stderr: `error: no message with id "m-0" in ${PARKED}\n` })
  await holds(channel, queue, 4)
})

test.skipIf(managementUrl() === undefined)(
  'redrive does not send to a destination that only the message names',
  async () => {
    const [bound, unbound] = [unique('bound'), unique('unbound')]
    await channel.assertQueue(bound)
    await channel.assertQueue(unbound)
    await channel.bindQueue(bound, 'dueque.v1.deliver', `dq~queue~${bound}`)
    await park(channel, [...many(2, unbound), { id: 'b', to: `queue:${bound}` }, { id: 'm', to: 'queue:missing' }])
    const unsure = await run(['parked', 'redrive', '--all', '--declare'], env())
    expect(unsure).toMatchObject({ code: 4, stdout: '0 sent on, 4 left\n' })
    expect(unsure.stderr).toContain(`2 left: nobody can say whether queue:${unbound} is bound (--bind queue:${unbound}`)
    await holds(channel, PARKED, 4)
    const asked = { ...env(), RABBITMQ_MANAGEMENT_URL: managementUrl()! }
    const some = await run(['parked', 'redrive', '--all', '--declare'], asked)
    expect(some).toMatchObject({ code: 1, stdout: '1 sent on, 3 left\n' })
    expect(some.stderr).toContain(`2 left: queue:${unbound} is not bound in this namespace (--bind queue:${unbound}`)
    expect(some.stderr).toContain('1 left: queue:missing does not exist')
    await holds(channel, bound, 1)
    await holds(channel, unbound, 0)
    const all = await run(['parked', 'redrive', '--all', '--bind', `queue:${unbound}`], asked)
    expect(all).toMatchObject({ code: 1, stdout: '2 sent on, 1 left\n' })
    await holds(channel, unbound, 2)
  },
)

test('a dry run of redrive or purge says what would happen without --yes, changes nothing, and exits with 0', async () => {
  const [queue, gone] = [unique('here'), unique('gone')]
  await channel.assertQueue(queue)
  await park(channel, [...many(2, queue), { id: 'lost', to: `queue:${gone}` }])
  const redrive = await run(['parked', 'redrive', '--all', '--bind', `queue:${queue}`, '--dry-run'], env())
  await holds(channel, PARKED, 3)
  expect(redrive).toMatchObject({ code: 0, stdout: '2 would be sent on, 1 left\n' })
  expect(redrive.stderr).toContain(`1 left: queue:${gone} does not exist`)
  const purge = await run(['parked', 'purge', '--id', 'm-0', '--dry-run', '--json'], env())
  await holds(channel, PARKED, 3)
  expect({ ...purge, stdout: documents(purge.stdout) }).toEqual({
    ...{ code: 0, stderr: '' },
    stdout: [{ removed: 1, dryRun: true }],
  })
  expect(await depth(channel, queue)).toBe(0)
  expect(await idsIn(channel, PARKED)).toEqual(['m-0', 'm-1', 'lost'])
})

test('redrive killed half-way loses nothing', async () => {
  const queue = unique('killed')
  await channel.assertQueue(queue)
  await park(channel, many(60, queue))
  const { child, ended } = start(['parked', 'redrive', '--all', '--bind', `queue:${queue}`, '--rate', '40/s'], env())
  await poll(async () => (await depth(channel, queue)) >= 10, { what: 'some to be sent on', timeoutMs: 30_000 })
  child.kill('SIGKILL')
  await ended
  // Its messages return when the broker has detected the loss.
  await poll(async () => (await depth(channel, queue)) + (await depth(channel, PARKED)) >= 60, {
    what: 'everything to be there',
    timeoutMs: 30_000,
  })
  expect(await depth(channel, PARKED)).toBeGreaterThan(0)
  const ids = [...(await idsIn(channel, queue)), ...(await idsIn(channel, PARKED))]
  expect(new Set(ids).size).toBe(60)
  expect(ids.length).toBeLessThanOrEqual(65)
})

test('a signal ends redrive after the messages in flight', async () => {
  const queue = unique('stopped')
  await channel.assertQueue(queue)
  await park(channel, many(60, queue))
  const { child, ended } = start(['parked', 'redrive', '--all', '--bind', `queue:${queue}`, '--rate', '40/s'], env())
  await poll(async () => (await depth(channel, queue)) >= 5, { what: 'some to be sent on', timeoutMs: 30_000 })
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
  const sent = await depth(channel, queue)
  expect(stdout).toBe(`${sent} sent on, then SIGINT: the others were not looked at\n`)
  await holds(channel, PARKED, 60 - sent)
})

test('purge needs --yes without a terminal, and removes all messages, or only those named', async () => {
  await park(channel, many(3, 'gone'))
  const unsure = await run(['parked', 'purge'], env())
  expect(unsure).toMatchObject({ code: 2, stdout: '' })
  expect(unsure.stderr).toContain('--yes')
  expect(await depth(channel, PARKED)).toBe(3)
  const some = await run(['parked', 'purge', '--id', 'm-1', '--yes'], env())
  expect(some).toEqual({ code: 0, stdout: '1 removed\n', stderr: '' })
  await holds(channel, PARKED, 2)
  const all = await run(['parked', 'purge', '--yes', '--json'], env())
  expect(documents(all.stdout)).toEqual([{ removed: 2 }])
  expect(await depth(channel, PARKED)).toBe(0)
})
