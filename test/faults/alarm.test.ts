import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import type { Telemetry } from '../../src/index.js'
import { Recorder, note, unique } from '../strategies/recorder.js'
import { poll, startNode } from '../support/broker.js'
import { openGate, receive } from '../support/gate.js'
import { open, rawChannel } from '../support/mq.js'
import { depth } from '../support/parked.js'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 })

/** More than a reader gets at a time. */
const RECORDS = 3000
const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined

describe.skipIf(noNode)('during a memory alarm (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  let node: PrivateNode
  beforeAll(async () => {
    node = (await startNode({ management: false }))!
  })
  afterAll(() => node.stop())

  async function duringAlarm(work: () => Promise<void>): Promise<void> {
    await node.ctl('set_vm_memory_high_watermark', '0.000001')
    try {
      await work()
    } finally {
      await node.ctl('set_vm_memory_high_watermark', '0.4')
    }
  }

  test('a consumer that reconnects reads cancellations, and goes on when it is over', async () => {
    const proxy = await TcpProxy.to(node.url)
    onTestFinished(() => proxy.close())
    const [producer, consumer] = [await open(node.url), await open(proxy.url())]
    const queue = unique('alarm')
    const recorder = await Recorder.on(consumer, queue)
    const schedule = (n: number) => producer.schedule(note, { n }, { to: { queue }, in: 8000 })
    const [cancelled] = [await schedule(0), await schedule(1)]
    expect(await producer.cancel(cancelled)).toBe('cancelled')
    const { dueAt } = cancelled
    await Promise.all(Array.from({ length: RECORDS }, (_, n) => producer.cancel({ id: `other-${n}`, dueAt })))
    await duringAlarm(async () => {
      proxy.cut()
      await poll(() => consumer.health().cancellations?.state === 'reading', { what: 'the cut' })
      await poll(() => consumer.health().cancellations?.state === 'live', { what: 'the tail' })
      // Messages fall due during the alarm.
      await recorder.has(1)
    })
    await producer.schedule(note, { n: 2 }, { to: { queue }, in: 0 })
    await recorder.has(2)
    expect(recorder.numbers).toEqual([1, 2])
    expect(consumer.health()).toMatchObject({ ok: true, cancellations: { state: 'live' } })
    expect(consumer.health().cancellations!.records).toBeGreaterThan(RECORDS)
  })

  test('a gate forwards a message once that comes again while its copy waits for the end of the alarm', async () => {
    const [count, cuts] = [20, 2]
    const proxy = await TcpProxy.to(node.url)
    onTestFinished(() => proxy.close())
    const from = unique('from')
    const to = `${from}.due`
    const gate = await openGate({ url: proxy.url(), from, to, declare: true })
    const channel = await rawChannel(node.url)
    const received = await receive(channel, to)
    const producer = await open(node.url)
    const ids = Array.from({ length: count }, (_, n) => `m${n}`)
    // They are due during the alarm, which takes a busy machine some seconds to raise.
    const start = performance.now()
    await duringAlarm(() => Promise.resolve())
    const delayMs = 8000 + Math.ceil(5 * (performance.now() - start))
    await Promise.all(ids.map((id, n) => producer.schedule(note, { n }, { to: { queue: from }, in: delayMs, id })))
    await duringAlarm(async () => {
      const isTaken = async () => gate.health().waitingForConfirm >= count - 1 && (await depth(channel, from)) === 0
      await poll(isTaken, { what: 'all to be on their way', timeoutMs: delayMs + 30_000 })
      for (let cut = 1; cut <= cuts; cut++) {
        proxy.cut()
        await poll(() => gate.health().consumer === 'down', { what: 'the cut' })
        await poll(() => gate.health().consumer === 'up' && gate.health().cancellations?.state === 'live', {
          what: 'the gate to be there again',
          timeoutMs: 30_000,
        })
        await poll(async () => (await depth(channel, from)) === 0 && gate.stats().held === 0, {
          what: 'all to be taken again',
          timeoutMs: 30_000,
        })
      }
    })
    await poll(() => gate.health().ok && gate.health().waitingForConfirm === 0, { what: 'confirms', timeoutMs: 60_000 })
    await poll(() => ids.every((id) => received.some((one) => one.id === id)), { what: 'all', timeoutMs: 30_000 })
    await poll(async () => (await depth(channel, to)) === 0, { what: 'all copies', timeoutMs: 30_000 })
    // RabbitMQ takes the first publish of a connection that it blocks, and its confirm may be lost with the connection.
    expect(received.length).toBeLessThanOrEqual(count + 2 * cuts)
  })

  test('ticks wait for the end of the alarm: each occurrence is scheduled once, and no chain ends', async () => {
    const confirmed = new Map<string, number>()
    const telemetry: Telemetry = {
      schedule: ({ id }, _headers, run) =>
        run()
          .then(() => void confirmed.set(id, (confirmed.get(id) ?? 0) + 1))
          .catch(() => undefined),
    }
    const mq = await open(node.url, { telemetry, publishTimeoutMs: 150_000 })
    const queue = unique('ticks')
    await Recorder.on(mq, queue)
    const ids = Array.from({ length: 5 }, () => unique('schedule'))
    const content = { message: note, payload: { n: 1 }, to: { queue }, every: '1s' } as const
    await Promise.all(ids.map((id) => mq.recurring.set(id, content)))
    /** The times that are scheduled, in their order. */
    const times = (id: string) => {
      const own = [...confirmed.keys()].filter((one) => one.startsWith(`${id}@`))
      return own.map((one) => Date.parse(one.slice(id.length + 1))).sort((a, b) => a - b)
    }
    const isAhead = () => ids.every((id) => (times(id).at(-1) ?? 0) > Date.now() + 58_000)
    await poll(isAhead, { what: 'ticks a minute ahead', timeoutMs: 60_000 })
    // A tick covers minutes, so that those of the first schedules may all be on their way before the alarm, or long after it. A
    // busy machine takes some seconds to raise it.
    const setting: Promise<unknown>[] = []
    await duringAlarm(async () => {
      let waitingSince = Infinity
      const areWaiting = () => {
        if (setting.length < 50) {
          const id = unique('late')
          const set = mq.recurring.set(id, content)
          set.catch(() => undefined)
          setting.push(set)
          ids.push(id)
        }
        // One late tick sends many occurrences at once: only an alarm keeps them waiting.
        if (mq.health().waitingForConfirm < 5) waitingSince = Infinity
        else waitingSince = Math.min(waitingSince, Date.now())
        return Date.now() - waitingSince > 2000
      }
      await poll(areWaiting, { what: 'changes to wait', timeoutMs: 30_000, intervalMs: 200 })
    })
    await Promise.all(setting)
    await poll(() => mq.health().waitingForConfirm === 0 && isAhead(), { what: 'all to go on', timeoutMs: 60_000 })
    for (const id of ids) {
      const own = times(id)
      expect(own).toEqual(own.map((_, i) => own[0]! + i * 1000))
    }
    expect([...confirmed].filter(([, count]) => count > 1)).toEqual([])
  })
})
