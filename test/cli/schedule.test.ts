import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import amqp from 'amqplib'
import { expect, onTestFinished, test } from 'vitest'
import { useVhost } from '../support/broker.js'
import { documents, RED_ERROR, run, runInTerminal, unique } from './dueque.js'

const vhost = useVhost()
const env = () => ({ AMQP_URL: vhost.url })
const consumeOne = async (queue: string) => {
  const { code, stdout } = await run(['consume', queue, '--limit', '1', '--json'], env())
  expect(code).toBe(0)
  return documents(stdout)[0]!
}

test('schedules the payload of --data and exits with 0 when it waits', async () => {
  const queue = unique('reminders')
  const given = ['--queue', queue, '--in', '250ms', '--declare', '--id', 'a-7', '--data', '{"patient":"p-7"}']
  const more = ['--name', 'reminder', '--header', 'tenant=t=1', '--header', 'a=b', '--correlation-id', 'c-1']
  const { code, stdout, stderr } = await run(['schedule', ...given, ...more], env())
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^scheduled a-7 \(reminder\) to queue:\S+, due \d{4}-\S+Z\n$/)
  expect(await consumeOne(queue)).toMatchObject({
    id: 'a-7',
    name: 'reminder',
    payload: { patient: 'p-7' },
    headers: { tenant: 't=1', a: 'b' },
    routingKey: queue,
    attempt: 1,
  })
})

test('prints the receipt as JSON with --json, before or after the command', async () => {
  const queue = unique('reminders')
  const at = '2030-01-31T09:00:00+01:00'
  const args = ['schedule', '--queue', queue, '--at', at, '--declare', '--id', 'x', '--data', 'null']
  for (const all of [
    ['--json', ...args],
    [...args, '--json'],
  ]) {
    const { code, stdout } = await run(all, env())
    expect(code).toBe(0)
    expect(documents(stdout)).toEqual([
      {
        id: 'x',
        dueAt: '2030-01-31T08:00:00.000Z',
        revision: expect.any(Number) as number,
        destination: { queue },
        cancellableUntil: '2030-01-31T07:59:59.000Z',
      },
    ])
  }
})

test('takes a file of one JSON document as one message', async () => {
  const queue = unique('reminders')
  const folder = await mkdtemp(join(tmpdir(), 'dueque-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'reminder.json')
  await writeFile(file, '{\n  "data": 1,\n  "in": "this is the payload"\n}\n')
  const { code } = await run(['schedule', '--queue', queue, '--in', '0ms', '--declare', '--file', file], env())
  expect(code).toBe(0)
  expect(await consumeOne(queue)).toMatchObject({ name: 'message', payload: { data: 1, in: 'this is the payload' } })
})

test('reaches an exchange with a routing key', async () => {
  const [exchange, queue] = [unique('clinic'), unique('rooms')]
  const connection = await amqp.connect(vhost.url)
  onTestFinished(() => connection.close())
  const channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'topic')
  await channel.assertQueue(queue, { durable: true })
  await channel.bindQueue(queue, exchange, 'room.*')
  const { code, stderr } = await run(
    ['schedule', '--exchange', exchange, '--key', 'room.2b', '--in', '20ms', '--data', '"x"'],
    env(),
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(await consumeOne(queue)).toMatchObject({ routingKey: 'room.2b', exchange, payload: 'x' })
})

test('fails with 4 if the queue is missing and may not be declared', async () => {
  const { code, stdout, stderr } = await run(
    ['schedule', '--queue', unique('nowhere'), '--in', '1s', '--data', '1'],
    env(),
  )
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  expect(stderr).toMatch(/^error: queue:nowhere-\w+ does not exist/)
})

test('in a terminal times are relative and of its own zone, unless --utc is given, and errors have a colour', (context) => {
  const args = ['schedule', '--queue', unique('reminders'), '--in', '3h', '--declare', '--data', '1']
  const own = { ...env(), TZ: 'Asia/Kathmandu' }
  const shown = runInTerminal(args, own)
  if (shown === undefined) context.skip('there is no program `script`')
  const minute = (late: number) => {
    const due = new Date(Date.now() + 3 * 3_600_000 - late)
    return due.toLocaleTimeString('en-GB', { timeZone: own.TZ, hour: '2-digit', minute: '2-digit' })
  }
  const [, time] = /, due in 3 h, (?:\d{4}-\d\d-\d\d )?(\d\d:\d\d)\n/.exec(shown!) ?? []
  expect([0, 60_000].map(minute)).toContain(time)
  expect(runInTerminal([...args, '--utc'], own)).toMatch(/, due \d{4}-\d\d-\d\dT\S+Z\n/)
  expect(runInTerminal(['status', '--quue'], own)).toMatch(RED_ERROR)
  expect(runInTerminal(['status', '--quue'], { ...own, NO_COLOR: '1' })).toMatch(/^error: /)
})
