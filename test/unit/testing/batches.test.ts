import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage } from '../../../src/index.js'
import { testDueque } from '../../../src/testing/index.js'

const job = defineMessage('job', z.number())
const to = { queue: 'q' }
const items = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ message: job, payload: n, options: { to, in: '1h', id: `job/${n}` } }))
const queues = ['q', 'q.batches']

it('shows the messages of batches that were scheduled and wait, and cancels one of them', async () => {
  const { mq, scheduled, waiting } = await testDueque({ queues, cancellations: 'log' })
  const receipts = []
  for await (const { receipt } of mq.scheduleAll(items(70), { batch: true })) receipts.push(receipt!)
  expect(new Set(receipts.map(({ id }) => id)).size).toBe(70)
  expect(scheduled()).toHaveLength(70)
  expect(waiting().map(({ payload }) => payload)).toEqual(Array.from(Array(70).keys()))
  await mq.cancel(receipts[3]!)
  expect(waiting().map(({ id }) => id)).not.toContain(receipts[3]!.id)
  expect(waiting()).toHaveLength(69)
})

it('shows the messages of batches in their queue, and parked ones', async () => {
  const { mq, clock, broker, queued, parked } = await testDueque({ queues, cancellations: 'log' })
  await mq.scheduleAll(items(3), { batch: true })
  await clock.advance('1h')
  for (const all of [queued('q'), queued()])
    expect(all.map(({ queue, payload, id }) => [queue, payload, id])).toEqual(
      [0, 1, 2].map((n) => ['q', n, `job/${n}`]),
    )
  await mq.scheduleAll(items(2), { batch: true })
  broker.deleteQueue('q.batches')
  await clock.advance('1h')
  expect(parked()).toMatchObject([
    { id: 'job/0', to, payload: 0 },
    { id: 'job/1', to, payload: 1 },
  ])
})

it('shows what a journal shows of batches: each message', async () => {
  const { mq } = await testDueque({ queues, cancellations: 'log', journal: true })
  await mq.scheduleAll(items(10), { batch: true })
  expect(await mq.count()).toBe(10)
  expect(await mq.get('job/7')).toMatchObject({ name: 'job', payload: 7 })
  const { messages } = await mq.list({ limit: 100 })
  expect(messages.map(({ id }) => id)).toEqual(items(10).map(({ options }) => options.id))
})

it('notes no message that was refused with its batch', async () => {
  const { mq, scheduled, waiting } = await testDueque({ queues: ['q'], cancellations: 'log' })
  const { failed, failures } = await mq.scheduleAll(items(3), { batch: true })
  expect(failed).toBe(3)
  expect(failures[0]!.error).toMatchObject({ code: 'DESTINATION_MISSING', data: { destination: 'queue:q.batches' } })
  expect([scheduled(), waiting()]).toEqual([[], []])
})
