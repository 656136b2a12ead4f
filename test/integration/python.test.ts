import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { destinationKey } from '../../src/amqp/topology/names.js'
import { defineMessage, on, type Delivery, type Receipt } from '../../src/index.js'
import { horizonFor } from '../../src/log/horizons.js'
import { decodeRecords } from '../../src/cancellation/record.js'
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

const surroundings = () => ({
  cwd: folder,
  env: { ...process.env, AMQP_URL: vhost.url, PYTHONDONTWRITEBYTECODE: '1' },
})

/** Runs Python in the folder of the examples and returns what it prints. */
async function run(...args: string[]): Promise<string> {
  const options = { ...surroundings(), timeout: 50_000, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await promisify(execFile)(python!, args, options)
  return stdout
}

/** Starts Python in the folder of the examples. Its lines of JSON, as they come. */
function start(...args: string[]): unknown[] {
  const child = spawn(python!, args, { ...surroundings(), stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: unknown[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)))
  return lines
}

/** What a program in Python knows of a message that it has scheduled. */
interface PythonReceipt {
  id: string
  due: number
  revision: number
}

/** Schedules a reminder from Python. */
async function scheduleInPython(queue: string, delayMs: number): Promise<PythonReceipt> {
  const args = ['schedule.py', queue, String(delayMs), reminder.name, JSON.stringify(payload)]
  return JSON.parse(await run(...args)) as PythonReceipt
}

/** A consumer of reminders, with the ids of those that it has handled. */
async function consumerOf(queue: string) {
  const handled: string[] = []
  const mq = await open(vhost.url)
  const consumer = await mq.consume(queue, [on(reminder, ({ id }) => void handled.push(id))])
  return { mq, handled, cancelled: () => consumer.stats().cancelled }
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
    const args = ['schedule.py', queue, '3300', 'appointment.reminder', JSON.stringify(payload)]
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

  test('reads the messages of a batch, but for cancelled ones, and keeps one that it cannot read', async () => {
    const queue = unique('batch-to-python')
    const mq = await open(vhost.url)
    const handlers = [on(reminder, () => undefined)]
    await (await mq.consume(queue, handlers, { batches: true })).close()
    const at = new Date(Date.now() + 2500)
    const items = ['a', 'b', 'c'].map((id) => ({ message: reminder, payload, options: { to: { queue }, id, at } }))
    const receipts = new Map<string, Receipt>()
    for await (const { receipt } of mq.scheduleAll(items, { batch: true })) receipts.set(receipt!.id, receipt!)
    expect(await mq.cancel(receipts.get('b')!)).toBe('cancelled')
    const channel = await rawChannel(vhost.url)
    channel.sendToQueue(`${queue}.batches`, Buffer.from('nothing'), { headers: { 'dueque-items': 1 } })
    const printed = (await run('batches.py', queue, '3'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Partial<Printed>)
    expect(printed.filter((one) => 'cancelled' in one)).toEqual([{ cancelled: 'b' }])
    const handled = printed.filter(({ id }) => id !== undefined)
    expect(handled.map(({ id }) => id).toSorted()).toEqual(['a', 'c'])
    for (const one of handled) {
      expect(one).toMatchObject({ name: 'appointment.reminder', payload, due: at.getTime() })
      expect(one.arrived).toBeGreaterThanOrEqual(at.getTime())
    }
    const dead = await channel.get(`${queue}.dead`, { noAck: true })
    expect(dead && dead.properties.headers).toMatchObject({ 'dueque-dead-reason': 'unreadable-batch' })
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

describe.skipIf(python === undefined)(`a program in Python${why}, with cancellations`, () => {
  test('cancels what dueque has scheduled: one revision, or all of them', async () => {
    const queue = unique('cancelled-by-python')
    const { mq, handled, cancelled } = await consumerOf(queue)
    const schedule = (id: string) => mq.schedule(reminder, payload, { to: { queue }, in: 8000, id })
    const [one, other, all] = await Promise.all(['one', 'one', 'all'].map((id) => schedule(`${queue}/${id}`)))
    const due = (receipt: typeof one) => String(Date.parse(receipt!.dueAt))
    const answers = await Promise.all([
      run('cancel.py', one!.id, String(one!.revision), due(one)),
      run('cancel.py', all!.id, 'all', due(all)),
    ])
    expect(answers).toEqual(['cancelled\n', 'cancelled\n'])
    expect(await run('cancel.py', `${queue}/no-such-message`)).toBe('unknown\n')
    await poll(() => handled.length + cancelled() === 3, { timeoutMs: 30_000, what: 'all three to be settled' })
    expect(handled).toEqual([other!.id])
  })

  test('reschedules what dueque has scheduled', async () => {
    const queue = unique('moved-by-python')
    const mq = await open(vhost.url)
    const seen: Reminder[] = []
    const consumer = await mq.consume(queue, [on(reminder, (delivery) => void seen.push(delivery))])
    const { id, revision, dueAt } = await mq.schedule(reminder, payload, { to: { queue }, in: 8000 })
    const content = [reminder.name, JSON.stringify({ ...payload, room: '4a' })]
    const args = ['reschedule.py', queue, id, String(revision), String(Date.parse(dueAt)), '1000', ...content]
    const moved = JSON.parse(await run(...args)) as PythonReceipt
    expect(moved).toMatchObject({ id, replaced: 'cancelled' })
    await poll(() => consumer.stats().cancelled === 1, { timeoutMs: 30_000, what: 'the old copy to be dropped' })
    expect(seen.map(({ payload: { room }, dueAt }) => [room, dueAt.getTime()])).toEqual([['4a', moved.due]])
  })

  test('has its messages cancelled by dueque', async () => {
    const queue = unique('python-cancelled')
    const { mq, handled, cancelled } = await consumerOf(queue)
    const [one, other] = await Promise.all([scheduleInPython(queue, 8000), scheduleInPython(queue, 8000)])
    expect(await mq.cancel({ id: one.id, dueAt: new Date(one.due) })).toBe('cancelled')
    await poll(() => handled.length + cancelled() === 2, { timeoutMs: 30_000, what: 'both to be settled' })
    expect(handled).toEqual([other.id])
  })

  test('drops cancelled messages: those of before its start, and those of after it', async () => {
    const queue = unique('dropped-in-python')
    const mq = await open(vhost.url)
    const schedule = () => mq.schedule(reminder, payload, { to: { queue }, in: 5000, declare: true })
    const early = await schedule()
    expect(await mq.cancel(early)).toBe('cancelled')
    const lines = start('consume.py', queue)
    await poll(() => lines.length === 1, { timeoutMs: 30_000, what: 'the first to be dropped' })
    const [later, other] = await Promise.all([schedule(), schedule()])
    expect(await mq.cancel(later)).toBe('cancelled')
    await poll(() => lines.length === 3, { timeoutMs: 30_000, what: 'the others' })
    expect(lines[0]).toEqual({ cancelled: early.id })
    expect(lines).toContainEqual({ cancelled: later.id })
    expect(lines).toContainEqual(expect.objectContaining({ id: other.id, payload }))
  })

  test('reads the same records, and skips the same lines', async () => {
    const id = 'a "quoted" id, ÿ'
    const record = (fields: object) => JSON.stringify({ id, ...fields })
    const good = [{ revision: 7 }, { upTo: 0, due: 9 }, { keep: 2 ** 53 - 1 }, { revision: 1, due: 0, further: [] }]
    const bad = [{}, { id: '', revision: 1 }, { id: 7, revision: 1 }, { revision: -1 }, { revision: 1.5 }].concat(
      [{ revision: '7' }, { keep: 1, upTo: 1 }, { revision: null }, { keep: 2 ** 53 }] as object[],
      [{ keep: true }, { revision: 1, due: null }, { revision: 1, due: -1 }, { revision: 1, due: '1' }] as object[],
    )
    const broken = ['{', 'null', '[]', '7', '"id"', '{"id":"x","revision":NaN}']
    const lines = [...good.map(record), ...bad.map(record), ...broken]
    const script = `
import json, sys, cancellations
for line in json.loads(sys.argv[1]):
    try:
        id, kind, revision, due = cancellations.parse(line.encode())
        print(json.dumps({"id": id, kind: revision, **({} if due is None else {"due": due})}))
    except (ValueError, KeyError, TypeError):
        print("null")`
    const inPython = (await run('-c', script, JSON.stringify(lines)))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    const here = lines.map((line) => decodeRecords(Buffer.from(line), () => undefined)[0] ?? null)
    expect(inPython).toEqual(here.map((one) => JSON.parse(JSON.stringify(one)) as unknown))
    expect(here.map((one) => one !== null)).toEqual(lines.map((_, i) => i < good.length))
  })

  test('chooses the same horizon', async () => {
    const now = 1_782_894_600_000
    const dues = [undefined, 0, now, now + 1, now + 3_600_000, now + 3_600_001, now + MAX_DELAY_MS + 1]
    for (let i = 0; i < 500; i++) dues.push(now + Math.floor(MAX_DELAY_MS ** Math.random()))
    const list = JSON.stringify(dues.map((due) => due ?? null))
    const script = `import json, cancellations; print(json.dumps([cancellations.horizon_for(d, ${now}) for d in json.loads('${list}')]))`
    expect(JSON.parse(await run('-c', script))).toEqual(dues.map((due) => horizonFor(due, now).name))
  })

  test('declares the same streams', async () => {
    await run('-c', 'import cancellations, layout; cancellations.declare(layout.connect().channel())')
    // Other arguments would be refused: TOPOLOGY_MISMATCH.
    const { mq } = await consumerOf(unique('same-streams'))
    expect(mq.health().cancellations).toMatchObject({ state: 'live' })
  })
})

function pathOf(delayMs: number): [string, string[]] {
  const { queues, keys } = routeFor(waitRangeFor(delayMs, 0, defaultTolerance), { type: 'quorum', shard: 0 })
  const [first] = queues
  const exchange = first ? `dueque.v1.entry.${first.rung.unit.name}` : 'dueque.v1.deliver'
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
