import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { on } from '../../src/index.js'
import { note, unique } from '../strategies/recorder.js'
import { useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { CancelledMinute } from './cancelled-minute.js'
import type { Start } from './handler-log.js'

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()

/** A producer with a network of its own, and a consumer whose network breaks. */
async function parties() {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const queue = unique('network')
  const starts: Start[] = []
  const handler = on(note, ({ payload: { n }, dueAt }) => {
    starts.push({ n, dueAt: dueAt.getTime(), at: Date.now() })
  })
  const mq = await open(proxy.url())
  const consumer = await mq.consume(queue, [handler])
  const producer = await open(vhost.url)
  return { proxy, queue, starts, consumer, mq, producer }
}

test('cut at random while messages are cancelled: none cancelled is handled, all others are', async () => {
  const { proxy, queue, starts, consumer, mq, producer } = await parties()
  const options = { count: 3000, firstInMs: 4000, overMs: 15_000 }
  const minute = await CancelledMinute.schedule(producer, { queue, starts: () => starts }, options)
  const cancelled = minute.cancelHalf()
  let cuts = 0
  while (Date.now() < minute.lastDueAt) {
    await pause(200 + Math.random() * 2000)
    minute.faulty()
    proxy.cut()
    cuts++
  }
  await cancelled
  const answers = await minute.account()
  console.info({ cuts, ...answers, ...consumer.stats() })
  expect(answers.cancelled).toBeGreaterThan(150)
  expect(mq.health()).toMatchObject({ ok: true, cancellations: { state: 'live' } })
})
