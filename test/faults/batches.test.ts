import { expect, onTestFinished, test, vi } from 'vitest'
import { ladder, type LadderStrategy, type Receipt } from '../../src/index.js'
import type { DelayedMessage } from '../../src/message/delayed-message.js'
import { note, unique } from '../strategies/recorder.js'
import { takeBatches } from '../support/batches.js'
import { poll, useVhost } from '../support/broker.js'
import { ConfirmProxy } from '../support/confirm-proxy.js'
import { open } from '../support/mq.js'

vi.setConfig({ testTimeout: 120_000 })
const vhost = useVhost()
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const ascending = (a: number, b: number) => a - b
const itemsTo = (queue: string, count: number, delayMs: number) => {
  const at = new Date(Date.now() + delayMs)
  return numbers(count).map((n) => ({ message: note, payload: { n }, options: { to: { queue }, at, id: `${n}` } }))
}

/** A producer behind a proxy that loses confirms of waiting messages. */
async function behindProxy(publishTimeoutMs: number) {
  const proxy = await ConfirmProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const mq = await open(proxy.url, { publishTimeoutMs })
  const queue = unique('batches')
  const taken = await takeBatches(vhost.url, queue)
  const swallow = () => (proxy.swallows = (exchange) => exchange.includes('.entry.'))
  return { proxy, mq, queue, taken, swallow }
}

test('the connection is cut while batches are unconfirmed: every message has an outcome, and none is lost', async () => {
  const { proxy, mq, queue, taken, swallow } = await behindProxy(60_000)
  swallow()
  const run = mq.scheduleAll(itemsTo(queue, 300, 3000), { batch: true }).then((summary) => summary)
  await poll(() => proxy.swallowed > 0 && proxy.unanswered === 0, { what: 'lost confirms' })
  proxy.swallows = () => false
  proxy.cut()
  expect(await run).toMatchObject({ scheduled: 300, failed: 0 })
  await poll(() => new Set(taken.numbers()).size === 300, { what: 'every message' })
  for (const { arrivedAt, items } of taken.batches)
    for (const { dueAt } of items) expect(arrivedAt).toBeGreaterThanOrEqual(dueAt)
})

test('a batch without an answer: the outcome of each message is unknown, with a receipt to repeat it', async () => {
  const { proxy, mq, queue, taken, swallow } = await behindProxy(1500)
  swallow()
  const { failed, failures } = await mq.scheduleAll(itemsTo(queue, 100, 4000), { batch: true })
  expect(failed).toBe(100)
  const receipts: Receipt[] = failures.map(({ error }) => error.receipt!)
  expect(failures.every(({ error: { code, outcome } }) => code === 'PUBLISH_TIMEOUT' && outcome === 'unknown')).toBe(
    true,
  )
  expect(receipts.map(({ id }) => Number(id)).toSorted(ascending)).toEqual(numbers(100))
  proxy.swallows = () => false
  const again = failures.map(({ item }, i) => ({ ...item, options: { to: { queue }, repeat: receipts[i]! } }))
  expect(await mq.scheduleAll(again, { batch: true })).toMatchObject({ scheduled: 100 })
  await poll(() => taken.numbers().length >= 200, { what: 'both copies of each message' })
  const seen = taken.batches.flatMap(({ items }) => items.map(({ id, revision }) => `${id} ${revision}`))
  expect(new Set(seen).size).toBe(100)
})

test('RabbitMQ refuses one message: its companions are scheduled', async () => {
  const inner = ladder()
  const isPoison = ({ correlationId }: DelayedMessage) => correlationId === 'poison'
  // RabbitMQ answers 406 to a producer that consumes nothing from it: https://www.rabbitmq.com/docs/direct-reply-to
  const poison = { properties: { replyTo: 'amq.rabbitmq.reply-to' } }
  const strategy: LadderStrategy = {
    ...inner,
    schedule: (message, options) =>
      inner.schedule((options.items ?? [message]).some(isPoison) ? { ...message, ...poison } : message, options),
  }
  const mq = await open(vhost.url, { strategy })
  const queue = unique('poison')
  const taken = await takeBatches(vhost.url, queue)
  const items = itemsTo(queue, 150, 4000).map((item) =>
    item.payload.n === 70 ? { ...item, options: { ...item.options, correlationId: 'poison' } } : item,
  )
  const { scheduled, failures } = await mq.scheduleAll(items, { batch: true })
  expect([scheduled, failures.map(({ index }) => index)]).toEqual([149, [70]])
  expect(failures[0]!.error).toMatchObject({ code: 'MESSAGE_REFUSED' })
  // With the channel, others lost their confirms: copies of them come as well.
  const arrived = () => [...new Set(taken.numbers())].toSorted(ascending)
  await poll(() => arrived().length >= 149, { what: 'the other messages' })
  expect(arrived()).toEqual(numbers(150).filter((n) => n !== 70))
})

test('batches keep to the limit of a body', async () => {
  const mq = await open(vhost.url, { maxBodyBytes: 1000 })
  const queue = unique('limit')
  const taken = await takeBatches(vhost.url, queue)
  expect(await mq.scheduleAll(itemsTo(queue, 20, 2500), { batch: true })).toMatchObject({ scheduled: 20 })
  await poll(() => taken.numbers().length >= 20, { what: 'all messages' })
  expect(taken.batches.every(({ message }) => message.content.byteLength <= 1000)).toBe(true)
})
