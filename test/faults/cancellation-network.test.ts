import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test, vi, type TestContext } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { connect, on, type ConsumeOptions } from '../../src/index.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { CancelledMinute } from './cancelled-minute.js'
import type { Start } from './handler-log.js'
import { warmUp } from '../support/warm-up.js'

vi.setConfig({ testTimeout: 240_000 })
/** After it a tail is down. */
const UNPROVED_MS = 30_000

const vhost = useVhost()

/** A producer with a network of its own, and a consumer whose network breaks. */
async function parties({ onTestFinished }: TestContext, options?: ConsumeOptions) {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const open = async (url: string) => {
    // Longer than any silence here.
    const mq = await connect({ url, logger: false, heartbeatSeconds: 60, publishTimeoutMs: 120_000 })
    onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
    return mq
  }
  const queue = unique('network')
  const starts: Start[] = []
  const handler = on(note, ({ payload: { n }, dueAt }) => {
    starts.push({ n, dueAt: dueAt.getTime(), at: Date.now() })
  })
  const mq = await open(proxy.url())
  const consumer = await mq.consume(queue, [handler], options)
  const producer = await open(vhost.url)
  return { proxy, queue, starts, consumer, mq, producer }
}

describe.concurrent('the network of a consumer', () => {
  test('is cut at random while messages are cancelled: none cancelled is handled, all others are', async (test) => {
    const { proxy, queue, starts, consumer, mq, producer } = await parties(test)
    const options = { count: 1500, firstInMs: 6000, overMs: 20_000 }
    const minute = await CancelledMinute.schedule(producer, { queue, starts: () => starts }, options)
    const cancelled = minute.cancelHalf()
    let cuts = 0
    while (Date.now() < minute.lastDueAt) {
      await pause(200 + Math.random() * 2000)
      minute.faulty()
      proxy.refuse()
      proxy.cut()
      cuts++
      // On its return, messages are due that were cancelled meanwhile.
      await pause(Math.random() * 5000)
      await proxy.listen()
    }
    await cancelled
    const answers = await minute.account()
    console.info({ cuts, ...answers, ...consumer.stats() })
    expect(answers.cancelled).toBeGreaterThan(75)
    await poll(() => mq.health().ok, { what: 'the last cut to be over', timeoutMs: 60_000 })
    expect(mq.health()).toMatchObject({ cancellations: { state: 'live' } })
  })

  test('is silent for some seconds, in which many messages are cancelled and fall due: none of them is handled afterwards', async (test) => {
    const count = 1500
    const { proxy, queue, starts, consumer, producer } = await parties(test, { prefetch: 5000 })
    await warmUp(producer, 10_000, 15_000)
    const at = new Date(Date.now() + 15_000)
    const ns = Array.from({ length: count }, (_, n) => n)
    const receipts = await Promise.all(ns.map((n) => producer.schedule(note, { n }, { to: { queue }, at })))
    proxy.freeze()
    const answers: string[] = []
    // Few at a time: each record travels alone.
    const lane = async (first: number) => {
      for (let n = first; n < count; n += 4) answers[n] = await producer.cancel(receipts[n]!)
    }
    await Promise.all([0, 1, 2, 3].map(lane))
    const inTime = ns.filter((n) => answers[n] === 'cancelled')
    // More than a small prefetch takes, unless the machine is busy.
    expect(inTime.length).toBeGreaterThan(100)
    await pause(at.getTime() + 500 - Date.now())
    proxy.thaw()
    const settled = () => consumer.stats().cancelled + consumer.stats().handled
    await poll(() => settled() >= count, { what: 'all to be settled', timeoutMs: 60_000 })
    const handled = starts.map(({ n }) => n)
    expect(handled.filter((n) => answers[n] === 'cancelled')).toEqual([])
  })

  test('is away for longer than a tail may be unproved: messages that are cancelled meanwhile are not handled on return', async (test) => {
    const count = 300
    const { proxy, queue, starts, consumer, mq, producer } = await parties(test)
    await warmUp(producer, 5000, 10_000)
    const at = new Date(Date.now() + 10_000)
    const ns = Array.from({ length: count }, (_, n) => n)
    const receipts = await Promise.all(ns.map((n) => producer.schedule(note, { n }, { to: { queue }, at })))
    proxy.refuse()
    proxy.cut()
    await poll(() => mq.health().consumer === 'down', { what: 'the cut to be noticed' })
    const answers: string[] = []
    const cancel = async (n: number) => (answers[n] = await producer.cancel(receipts[n]!))
    await Promise.all(ns.filter((n) => n % 3 !== 0).map(cancel))
    await pause(UNPROVED_MS + 5000)
    await proxy.listen()
    const settled = () => consumer.stats().cancelled + consumer.stats().handled
    await poll(() => settled() >= count, { what: 'all to be settled', timeoutMs: 60_000 })
    expect(starts.filter(({ n }) => answers[n] === 'cancelled')).toEqual([])
    expect(new Set(starts.map(({ n }) => n)).size).toBe(ns.filter((n) => answers[n] !== 'cancelled').length)
  })
})
