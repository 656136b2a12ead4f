import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import amqp from 'amqplib'
import { expect, onTestFinished, test } from 'vitest'
import { batchOf, noteItem } from '../support/batch-of.js'
import { poll, useVhost } from '../support/broker.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const env = () => ({ AMQP_URL: vhost.url })
const lines = (...all: unknown[]) =>
  all.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('')
const byLine = (a: Record<string, unknown>, b: Record<string, unknown>) => Number(a['line']) - Number(b['line'])

async function consume(queue: string, limit: number) {
  const { code, stdout } = await run(['consume', queue, '--limit', String(limit), '--json'], env())
  expect(code).toBe(0)
  return documents(stdout)
}

/** A channel, and queues that were declared on it. */
async function channelWith(queues: readonly string[]) {
  const connection = await amqp.connect(vhost.url)
  onTestFinished(() => connection.close())
  const channel = await connection.createChannel()
  const work = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
  for (const name of queues) await channel.assertQueue(name, work)
  return channel
}

const BAD = [
  ['not JSON', 'nope'],
  ['no object', '[1]'],
  ['no data', { patient: 'p-7' }],
  ['an unknown field', { data: 1, inn: '1s' }],
  ['a due time that cannot be understood', { data: 1, in: 'soon' }],
  ['in and at', { data: 1, in: '1s', at: '2030-01-01T00:00:00Z' }],
  ['two destinations', { data: 1, queue: 'q', exchange: 'e' }],
  ['an integer of 64 bits', '{"data":1234567890123456789}'],
] as const

test('reports bad lines by number, schedules the others, and exits with 1', async () => {
  const queue = unique('lines')
  const input = lines({ data: 'first' }, ...BAD.map(([, line]) => line), '', { data: 'last' })
  const options = ['--queue', queue, '--in', '10ms', '--declare']
  const { code, stdout, stderr } = await run(['schedule', ...options], env(), input)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '2 scheduled, 8 failed\n' })
  const numbers = [...stderr.matchAll(/^line (\d+): ./gm)].map(([, number]) => Number(number))
  expect(numbers.sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
  expect((await consume(queue, 2)).map(({ payload }) => payload).sort()).toEqual(['first', 'last'])
})

test('prints a receipt or an error for each line as JSON', async () => {
  const queue = unique('lines')
  const input = lines({ data: 1, id: 'one' }, 'nope', '', { data: 2, id: 'two', in: '-1s' }, { data: 3, id: 'three' })
  const { code, stdout, stderr } = await run(
    ['schedule', '--queue', queue, '--in', '1h', '--declare', '--json'],
    env(),
    input,
  )
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  const receipt = {
    dueAt: expect.any(String) as string,
    cancellableUntil: expect.any(String) as string,
    revision: expect.any(Number) as number,
    destination: { queue },
  }
  const message = expect.any(String) as string
  expect(documents(stdout).sort(byLine)).toEqual([
    { line: 1, id: 'one', ...receipt },
    { line: 2, error: { code: 'INVALID_LINE', message } },
    { line: 4, error: { code: 'INVALID_DUE', message, outcome: 'refused' } },
    { line: 5, id: 'three', ...receipt },
  ])
})

test('fields of a line override the options', async () => {
  const [queue, other, exchange] = [unique('lines'), unique('other'), unique('clinic')]
  const connection = await amqp.connect(vhost.url)
  onTestFinished(() => connection.close())
  const channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'direct')
  for (const name of [queue, other]) await channel.assertQueue(name, { durable: true })
  for (const key of ['k1', 'k2']) await channel.bindQueue(queue, exchange, key)
  const input = lines(
    { data: 'a' },
    { data: 'b', in: '20ms', key: 'k2', id: 'b-1', name: 'other.name', headers: { n: 1, h: 'line' } },
    { data: 'c', at: '2020-01-01T00:00:00Z', id: 'c-1', correlationId: 'c', priority: 1, schemaVersion: 2 },
    { data: 'd', queue: other, in: 5 },
  )
  const options = ['--exchange', exchange, '--key', 'k1', '--in', '30ms', '--name', 'name', '--header', 'h=option']
  const { code, stderr } = await run(['schedule', ...options], env(), input)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const got = (await consume(queue, 3)).sort((a, b) => (String(a['payload']) < String(b['payload']) ? -1 : 1))
  expect(got).toMatchObject([
    { payload: 'a', routingKey: 'k1', name: 'name', headers: { h: 'option' } },
    { payload: 'b', routingKey: 'k2', name: 'other.name', id: 'b-1', headers: { n: 1, h: 'line' } },
    { payload: 'c', routingKey: 'k1', name: 'name', id: 'c-1', dueAt: '2020-01-01T00:00:00.000Z' },
  ])
  expect(await consume(other, 1)).toMatchObject([{ payload: 'd', routingKey: other, name: 'name' }])
})

test('with --raw each line is the payload, whatever it contains', async () => {
  const queue = unique('lines')
  const payloads = [{ data: 1, in: '99d', id: 'x' }, { inn: 1 }, null, 'a\u2028b', [1.5], false]
  const options = ['--queue', queue, '--in', '0ms', '--declare', '--raw']
  const { code, stderr } = await run(
    ['schedule', ...options],
    env(),
    `\ufeff${lines(...payloads.map((one) => JSON.stringify(one)))}`,
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const got = (await consume(queue, payloads.length)).map(({ payload }) => JSON.stringify(payload))
  expect(got.sort()).toEqual(payloads.map((one) => JSON.stringify(one)).sort())
})

test('reads lines from a file, including a last line without a newline', async () => {
  const queue = unique('lines')
  const folder = await mkdtemp(join(tmpdir(), 'dueque-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'all.ndjson')
  await writeFile(file, '{"data":1}\r\n{"data":2}')
  const { code, stdout } = await run(['schedule', '--queue', queue, '--in', '1h', '--declare', '--file', file], env())
  expect({ code, stdout }).toEqual({ code: 0, stdout: '2 scheduled\n' })
})

test('a signal ends the reading of an open input; schedules in flight are completed', async () => {
  const queue = unique('lines')
  const { child, ended, printed } = start(['schedule', '--queue', queue, '--in', '0ms', '--declare', '--json'], env())
  child.stdin.write(lines({ data: 1 }, { data: 2 }))
  await printed(2)
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 143, stderr: '' })
  expect(
    documents(stdout)
      .map(({ line }) => line)
      .sort(),
  ).toEqual([1, 2])
})

test('ends without a stack trace when its output is closed', async () => {
  const queue = unique('lines')
  const { child, ended, printed } = start(['schedule', '--queue', queue, '--in', '1h', '--declare', '--json'], env())
  child.stdin.write(lines({ data: 1 }))
  await printed(1)
  child.stdout.destroy()
  child.stdin.write(lines({ data: 2 }))
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
})

test('lines travel in batches', async () => {
  const queue = unique('batch-lines')
  // Lines with one delay may fall into two slots of time.
  const at = new Date(Date.now() + 3_600_000).toISOString()
  const schedule = (...more: string[]) =>
    run(['schedule', '--queue', queue, '--at', at, '--batch', ...more], env(), lines({ data: 1 }, { data: 2 }))
  const missing = await schedule()
  expect(missing).toMatchObject({ code: 1, stdout: '0 scheduled, 2 failed\n' })
  expect(missing.stderr).toContain(`dueque topology apply --batches ${queue}`)
  expect(await schedule('--declare')).toMatchObject({ code: 2, stdout: '' })
  await channelWith([`${queue}.batches`])
  expect(await schedule()).toMatchObject({ code: 0, stdout: '2 scheduled\n' })
})

test('batches are taken apart for a consumer that takes none', async () => {
  const queue = unique('batch-lines')
  const channel = await channelWith([queue, `${queue}.batches`])
  const { body, headers } = batchOf([1, 2].map((n) => noteItem(queue, n, Date.now(), { body: Buffer.from(`${n}`) })))
  for (const content of [Buffer.from(body), Buffer.from('nothing')])
    channel.sendToQueue(`${queue}.batches`, content, { headers })
  await poll(async () => (await channel.checkQueue(`${queue}.batches`)).messageCount === 2, { what: 'both batches' })

  const { code, stdout } = await run(['batches', 'unpack', queue, '--json'], env())
  expect({ code, result: documents(stdout) }).toEqual({
    code: 1,
    result: [{ queue, batches: 1, messages: 2, unreadable: 1 }],
  })
  expect((await channel.checkQueue(`${queue}.batches`)).messageCount).toBe(1)
  const arrived = await consume(queue, 2)
  expect(arrived.map(({ payload }) => payload).toSorted()).toEqual([1, 2])
  for (const { latenessMs } of arrived) expect(latenessMs).toBeGreaterThanOrEqual(0)
})
