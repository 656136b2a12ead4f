import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { destinationKey } from '../../src/amqp/topology/names.js'
import { defineMessage, on, type Delivery } from '../../src/index.js'
import { routeFor } from '../../src/strategies/ladder/routes.js'
import { defaultTolerance, waitRangeFor } from '../../src/strategies/ladder/path.js'
import { MAX_DELAY_MS } from '../../src/message/due.js'
import { unique } from '../strategies/recorder.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { open, rawChannel } from '../support/mq.js'
import { NO_PIKA, pythonWithPika } from '../support/python.js'

const vhost = useVhost()
const folder = fileURLToPath(new URL('../../examples/python/', import.meta.url))
const reminder = defineMessage('appointment.reminder', z.object({ patient: z.string(), room: z.string() }))
type Reminder = Delivery<{ patient: string; room: string }>
const payload = { patient: 'p-ÿ', room: '2b' }
/** More lateness than any broker has, less than one rung too many. */
const LATE_MS = 5000

const python = pythonWithPika()
const why = python === undefined ? ` (${NO_PIKA})` : ''
const noManagement = managementUrl() === undefined

/** Runs Python in the folder of the examples and returns what it prints. */
async function run(...args: string[]): Promise<string> {
  const env = { ...process.env, AMQP_URL: vhost.url, PYTHONDONTWRITEBYTECODE: '1' }
  const options = { cwd: folder, env, timeout: 50_000, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await promisify(execFile)(python!, args, options)
  return stdout
}

/** Consumes reminders, as they arrive. */
async function consume(queue: string): Promise<Reminder[]> {
  const seen: Reminder[] = []
  const mq = await open(vhost.url)
  await mq.consume(queue, [on(reminder, (delivery) => void seen.push(delivery))])
  return seen
}

interface Printed {
  name: string
  id: string
  payload: unknown
  due: number
  arrived: number
}

describe.skipIf(python === undefined)(`a program in Python${why}`, () => {
  test('schedules messages that a consumer of dueque receives on time, typed, even if nothing was declared before', async () => {
    const queue = unique('from-python')
    const args = ['schedule.py', queue, '1300', 'appointment.reminder', JSON.stringify(payload)]
    const receipt = JSON.parse(await run(...args)) as { id: string; due: number }
    const seen = await consume(queue)
    await poll(() => seen.length > 0, { timeoutMs: 30_000, what: 'the delivery' })
    expect(seen[0]).toMatchObject({
      id: receipt.id,
      payload,
      dueAt: new Date(receipt.due),
      attempt: 1,
      routingKey: queue,
      headers: {},
    })
    expect(seen[0]!.latenessMs).toBeGreaterThanOrEqual(0)
    expect(seen[0]!.latenessMs).toBeLessThan(LATE_MS)
  })

  test('receives messages of dueque on time', async () => {
    const queue = unique('to-python')
    const mq = await open(vhost.url)
    const receipt = await mq.schedule(reminder, payload, { to: { queue }, in: 2500, declare: true })
    const printed = JSON.parse(await run('consume.py', queue, '1')) as Printed
    expect(printed).toMatchObject({ name: 'appointment.reminder', id: receipt.id, payload })
    expect(printed.due).toBe(Date.parse(receipt.dueAt))
    expect(printed.arrived).toBeGreaterThanOrEqual(printed.due)
    expect(printed.arrived - printed.due).toBeLessThan(LATE_MS)
  })

  test('moves failed messages to the dead queue, with the reason', async () => {
    const queue = unique('dead-in-python')
    const mq = await open(vhost.url)
    const options = { to: { queue }, in: 0, expiresIn: 1, headers: { clinic: 'west' }, declare: true }
    const { id } = await mq.schedule(reminder, payload, options)
    await run('consume.py', queue, '1')
    const dead = await (await rawChannel(vhost.url)).get(`${queue}.dead`, { noAck: true })
    if (!dead) throw new Error('nothing in the dead queue')
    const { headers } = dead.properties
    expect(dead.properties).toMatchObject({ messageId: id, type: 'appointment.reminder', deliveryMode: 2 })
    expect(headers).toMatchObject({
      clinic: 'west',
      'dueque-to': `queue:${queue}`,
      'dueque-dead-reason': 'expired',
      'dueque-dead-error': expect.stringContaining('ms ago') as string,
      'dueque-dead-at': expect.any(Number) as number,
    })
    expect(headers).not.toHaveProperty('x-death')
  })

  test('computes the same path for every delay', async () => {
    const delays = [0, 1, 9, 10, 11, 990, 991, 999, 1000, 1001, 59_999, 60_000, 1_800_000, 93_784_500, MAX_DELAY_MS]
    for (let i = 0; i < 3000; i++) delays.push(Math.floor(MAX_DELAY_MS ** Math.random()))
    const script = `import json, layout; print(json.dumps([layout.path(ms, "dq~queue~q")[:2] for ms in ${JSON.stringify(delays)}]))`
    expect(JSON.parse(await run('-c', script))).toEqual(delays.map(pathOf))
  })

  test('declares the same queues and exchanges', async () => {
    const queue = unique('same')
    const delays = [500, 30_000, 1_800_000, 5 * 3_600_000, 7 * 86_400_000, 300 * 86_400_000]
    const script = [
      'import layout',
      'channel = layout.connect().channel()',
      'layout.declare_ladder(channel)',
      `for ms in ${JSON.stringify(delays)}:`,
      '  for rung in layout.path(ms, "")[2]: layout.declare_rung(channel, *rung)',
      `layout.declare_work_queue(channel, "${queue}")`,
    ]
    await run('-c', script.join('\n'))
    const mq = await open(vhost.url)
    const schedule = (delay: number) => mq.schedule(reminder, payload, { to: { queue }, in: delay, declare: true })
    // Other arguments would be refused: TOPOLOGY_MISMATCH.
    expect(await Promise.all(delays.map(schedule))).toHaveLength(delays.length)
  })
})

function pathOf(delayMs: number): [string, string[]] {
  const { rungs, keys } = routeFor(waitRangeFor(delayMs, 0, defaultTolerance), { type: 'quorum', shard: 0 })
  const [first] = rungs
  const exchange = first ? `dueque.v1.entry.${first.unit.name}` : 'dueque.v1.deliver'
  return [exchange, [...keys, destinationKey({ queue: 'q' })]]
}

describe.skipIf(noManagement)(
  `an operator${noManagement ? ' (skipped: RABBITMQ_MANAGEMENT_URL is not set)' : ''}`,
  () => {
    /** Publishes like the form "Publish message" of the management UI. */
    function publish(exchange: string, routingKey: string, path: string[]): Promise<{ routed: boolean }> {
      const properties = { delivery_mode: 2, type: 'appointment.reminder', headers: { BCC: path } }
      const message = { payload: JSON.stringify(payload), payload_encoding: 'string' }
      const body = { properties, routing_key: routingKey, ...message }
      return management(`/exchanges/${vhost.name}/${exchange}/publish`, { method: 'POST', body })
    }

    test('schedules a message by hand through the management API', async () => {
      const queue = unique('by-hand')
      const seen = await consume(queue)
      const mq = await open(vhost.url)
      // Declares the rung.
      await mq.schedule(reminder, payload, { to: { queue: unique('other') }, in: 1900, declare: true })
      const path = ['dq~1s', 'dq~end~m', `dq~queue~${queue}`]
      const before = Date.now()
      expect(await publish('dueque.v1.entry.s', queue, path)).toEqual({ routed: true })
      await poll(() => seen.length > 0, { timeoutMs: 30_000, what: 'the delivery' })
      expect(seen[0]).toMatchObject({ id: '', name: 'appointment.reminder', payload, attempt: 1, latenessMs: 0 })
      expect(seen[0]!.arrivedAt.getTime() - before).toBeGreaterThanOrEqual(1000)
    })

    test('gets an error when a rung is missing', async () => {
      await open(vhost.url)
      const path = ['dq~300d', 'dq~queue~any']
      await management(`/queues/${vhost.name}/dueque.v1.wait.300d`, { method: 'DELETE' }).catch(() => undefined)
      expect(await publish('dueque.v1.entry.c', 'any', path)).toEqual({ routed: false })
    })
  },
)
