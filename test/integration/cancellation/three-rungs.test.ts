import { expect, test } from 'vitest'
import { on } from '../../../src/index.js'
import { note, scheduleNotes, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { open } from '../../support/mq.js'

const vhost = useVhost()

test('a message is cancelled on the second of its three rungs', { timeout: 120_000 }, async () => {
  const mq = await open(vhost.url)
  const queue = unique('three')
  // 990 ms, 1 s and a minute. The first one is there for the rungs, whose first confirm takes 2 s.
  await scheduleNotes(mq, queue, [61_990])
  const receipt = await mq.schedule(note, { n: 1 }, { to: { queue }, in: 61_990 })
  const handled: number[] = []
  const consumer = await mq.consume(queue, [on(note, ({ payload }) => void handled.push(payload.n))])
  const second = Date.parse(receipt.dueAt) - 60_500
  await poll(() => Date.now() >= second, { timeoutMs: 30_000, intervalMs: 10, what: 'the second rung' })
  expect(await mq.cancel(receipt)).toBe('cancelled')
  await poll(() => consumer.stats().cancelled === 1, { timeoutMs: 90_000, what: 'the dropped message' })
  expect(handled).toEqual([0])
})
