import { expect, onTestFinished, test } from 'vitest'
import { connect, ladder, type Receipt } from '../../../src/index.js'
import { note, Recorder, unique } from '../../strategies/recorder.js'
import { takeBatches } from '../../support/batches.js'
import { poll, useVhost } from '../../support/broker.js'
import { listed } from '../../support/journal-records.js'
import { open, rawChannel } from '../../support/mq.js'

const vhost = useVhost()
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const ascending = (a: number, b: number) => a - b
const itemsTo = (
  queue: string,
  count: number,
  options: { at: Date; priority?: number; headers?: { tenant: string } },
) =>
  numbers(count).map((n) => ({
    message: note,
    payload: { n, text: 'é\n{"' },
    options: { to: { queue }, id: `${n}`, ...options },
  }))

test('messages of one instant travel in batches, byte for byte, and none arrives early', async () => {
  const [queue, mq] = [unique('batches'), await open(vhost.url)]
  const taken = await takeBatches(vhost.url, queue)
  const at = new Date(Date.now() + 2500)
  const receipts: Receipt[] = []
  for await (const { index, receipt, error } of mq.scheduleAll(itemsTo(queue, 150, { at, headers: { tenant: 'x' } }), {
    batch: true,
  })) {
    expect(error).toBeUndefined()
    receipts[index] = receipt!
  }
  expect(receipts.map(({ id, dueAt, destination }) => [id, dueAt, destination])).toEqual(
    numbers(150).map((n) => [`${n}`, at.toISOString(), { queue }]),
  )
  await poll(() => taken.numbers().length >= 150, { what: 'the batches' })
  expect(taken.batches.map(({ items }) => items.length).toSorted(ascending)).toEqual([22, 64, 64])
  expect(taken.singles).toEqual([])
  for (const { arrivedAt, items, message } of taken.batches) {
    expect(arrivedAt).toBeGreaterThanOrEqual(at.getTime())
    expect(message.properties).toMatchObject({ type: 'dueque.batch', contentType: 'application/octet-stream' })
    expect(message.properties.headers).toMatchObject({ 'dueque-items': items.length, 'dueque-due': at.getTime() })
    for (const { id, revision, dueAt, headers, body, name } of items) {
      const receipt = receipts[Number(id)]!
      expect([dueAt, revision, name, headers]).toEqual([at.getTime(), receipt.revision, 'test.note', { tenant: 'x' }])
      expect(Buffer.from(body).toString()).toBe(JSON.stringify({ n: Number(id), text: 'é\n{"' }))
    }
  }
})

test('a consumer that takes batches handles each message once, and none early', async () => {
  const [queue, mq] = [unique('consumed'), await open(vhost.url)]
  const recorder = await Recorder.on(mq, queue, { batches: true })
  const now = Date.now()
  const items = itemsTo(queue, 200, { at: new Date(now) }).map((item, n) => ({
    ...item,
    options: { ...item.options, at: new Date(now + 2500 + 7 * n) },
  }))
  expect(await mq.scheduleAll(items, { batch: true })).toMatchObject({ scheduled: 200 })
  await recorder.has(200)
  expect(recorder.numbers.toSorted(ascending)).toEqual(numbers(200))
  expect(recorder.early).toEqual([])
})

test('messages that cannot travel with others go as without batches', async () => {
  const [queue, exchange, mq] = [unique('singly'), unique('exchange'), await open(vhost.url)]
  const taken = await takeBatches(vhost.url, queue)
  const channel = await rawChannel(vhost.url)
  await channel.assertExchange(exchange, 'direct')
  await channel.bindQueue(queue, exchange, 'key')
  const item = (n: number, options: object, text = '') => ({
    message: note,
    payload: { n, text },
    options: { to: { queue }, in: 1000, ...options },
  })
  const { scheduled } = await mq.scheduleAll(
    [
      item(0, { in: 100 }),
      item(1, { in: 100 }),
      item(2, { to: { exchange, routingKey: 'key' } }),
      item(3, { to: { exchange, routingKey: 'key' } }),
      item(4, {}, 'x'.repeat(9000)),
      item(5, { signal: new AbortController().signal }),
      item(6, { priority: 1 }),
    ],
    { batch: true },
  )
  expect(scheduled).toBe(7)
  await poll(() => taken.numbers().length >= 7, { what: 'all messages' })
  expect(taken.batches).toEqual([])
  expect(taken.numbers().toSorted(ascending)).toEqual(numbers(7))
})

test('where no consumer takes batches nothing is sent, and an error says what to do; once the queue is there it goes on', async () => {
  const [queue, mq] = [unique('missing'), await open(vhost.url)]
  const items = () => itemsTo(queue, 10, { at: new Date(Date.now() + 2500) })
  const { failed, failures } = await mq.scheduleAll(items(), { batch: true })
  expect(failed).toBe(10)
  for (const { error } of failures) {
    expect(error).toMatchObject({ code: 'DESTINATION_MISSING', outcome: 'refused' })
    expect(error.message).toContain(`consume "${queue}" with { batches: true }`)
  }
  const taken = await takeBatches(vhost.url, queue)
  expect(await mq.scheduleAll(items(), { batch: true })).toMatchObject({ scheduled: 10 })
  await poll(() => taken.numbers().length >= 10, { what: 'the batch' })
  expect(taken.batches.map(({ items }) => items.length)).toEqual([10])
})

test('a journal shows each message of a batch, and no batch', async () => {
  const [queue, namespace] = [unique('journal'), unique('journal')]
  const mq = await connect({ url: vhost.url, namespace, strategy: ladder({ journal: { minDelayMs: 60_000 } }) })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  await takeBatches(vhost.url, queue)
  const [late, soon] = [3_600_000, 30_000].map((ms) => new Date(Date.now() + ms)) as [Date, Date]
  const { scheduled } = await mq.scheduleAll(
    [...itemsTo(queue, 70, { at: late }), ...itemsTo(queue, 5, { at: soon })],
    { batch: true },
  )
  expect(scheduled).toBe(75)
  const entries = await listed(vhost.url, `${namespace}.v1`)
  expect(entries.map(({ message }) => Number(message.id)).toSorted(ascending)).toEqual(numbers(70))
  expect(new Set(entries.map(({ written }) => written)).size).toBe(70)
  expect(await mq.count()).toBe(70)
  const { receipt, payload } = (await mq.get('7'))!
  expect(payload).toEqual({ n: 7, text: 'é\n{"' })
  expect(await mq.cancel(receipt)).toBe('cancelled')
  await poll(async () => (await mq.count()) === 69, { what: 'the list without the cancelled message' })
})
