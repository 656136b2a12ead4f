import { expect, onTestFinished, test } from 'vitest'
import { connect, on } from '../../../src/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'

const vhost = useVhost()

async function open(namespace = 'dueque') {
  const mq = await connect({ url: vhost.url, namespace })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return mq
}

test('a cancelled message is dropped, the others are handled', async () => {
  const producer = await open()
  const consumer = await open()
  const queue = unique('cancel')
  const handled: number[] = []
  const running = await consumer.consume(queue, [on(note, ({ payload }) => void handled.push(payload.n))])
  const schedule = (n: number) => producer.schedule(note, { n }, { to: { queue }, in: 5000 })
  const receipts = await Promise.all([1, 2, 3].map(schedule))
  expect(await producer.cancel(receipts[1]!)).toBe('cancelled')
  await poll(() => running.stats().handled + running.stats().cancelled === 3, { what: 'all three to be settled' })
  expect(handled.toSorted()).toEqual([1, 3])
  expect(running.stats()).toMatchObject({ handled: 2, cancelled: 1 })
  expect(consumer.health()).toMatchObject({ ok: true, cancellations: { state: 'live', records: 1, unreadable: 0 } })
})
