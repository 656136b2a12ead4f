import { describe, expect, test } from 'vitest'
import { DuequeError, isDuequeError, ladder, on, type CancellationRecord, type Consumer } from '../../../src/index.js'
import { note, scheduleNotes, unique } from '../../strategies/recorder.js'
import { managementUrl, poll, useVhost } from '../../support/broker.js'
import { failure, open, rawChannel } from '../../support/mq.js'
import { PATTERNS, userWith } from '../../support/users.js'

const vhost = useVhost()
const content = (n: number) => ({ message: note, payload: { n } })

/** Consumes a queue, and notes the number of each message that is handled. */
async function handling(queue: string): Promise<{ handled: number[]; consumer: Consumer }> {
  const mq = await open(vhost.url)
  const handled: number[] = []
  return { handled, consumer: await mq.consume(queue, [on(note, ({ payload }) => void handled.push(payload.n))]) }
}

async function settled(consumer: Consumer, count: number): Promise<void> {
  const done = () => consumer.stats().handled + consumer.stats().cancelled
  await poll(() => done() >= count, { timeoutMs: 30_000, what: `${count} settled messages` })
}

test('a foreign message without a revision is handled, whatever was cancelled', async () => {
  const mq = await open(vhost.url)
  const queue = unique('foreign')
  const { handled, consumer } = await handling(queue)
  expect(await mq.cancel({ id: 'foreign-1', dueAt: new Date(Date.now() + 60_000) })).toBe('cancelled')
  const channel = await rawChannel(vhost.url)
  const publish = (n: number, headers: Record<string, unknown>) =>
    channel.sendToQueue(queue, Buffer.from(JSON.stringify({ n })), { messageId: 'foreign-1', type: note.name, headers })
  publish(1, { 'dueque-revision': 5 })
  publish(2, {})
  await settled(consumer, 2)
  expect([handled, consumer.stats().cancelled]).toEqual([[2], 1])
})

test('a close waits for both steps of a reschedule', async () => {
  const mq = await open(vhost.url)
  const queue = unique('close')
  const [receipt] = await scheduleNotes(mq, queue, [6000])
  const moving = mq.reschedule(receipt!, { in: 6000 }, content(1))
  await mq.close()
  expect(await moving).toMatchObject({ replaced: 'cancelled' })
  const { handled, consumer } = await handling(queue)
  await settled(consumer, 2)
  expect(handled).toEqual([1])
})

test('if the record fails, the error has the new receipt, and the same call again leaves one message', async () => {
  const queue = unique('half')
  let failures = 0
  const strategy = ladder()
  const { cancellations } = strategy
  const write = (record: CancellationRecord) => {
    const lost = new DuequeError('PUBLISH_TIMEOUT', 'lost', { waitedMs: 1 }, { outcome: 'unknown' })
    return failures++ === 0 ? Promise.reject(lost) : cancellations.write(record)
  }
  const mq = await open(vhost.url, { strategy: { ...strategy, cancellations: { ...cancellations, write } } })
  await scheduleNotes(mq, unique('rungs'), [9000])
  const [receipt] = await scheduleNotes(mq, queue, [9000])
  const error = await failure(mq.reschedule(receipt!, { in: 9000 }, content(1)))
  if (!isDuequeError(error)) throw error
  expect(error).toMatchObject({ outcome: 'unknown', receipt: { id: receipt!.id, destination: { queue } } })
  expect(error.receipt!.revision).toBeGreaterThan(receipt!.revision)
  expect(error.message).toContain('both may be delivered')
  expect(await mq.reschedule(receipt!, { in: 8500 }, content(2))).toMatchObject({ replaced: 'cancelled' })
  const { handled, consumer } = await handling(queue)
  await settled(consumer, 3)
  expect(handled).toEqual([2])
})

describe.skipIf(managementUrl() === undefined)('with users of the management API', () => {
  test('without the right to write records, reschedule schedules nothing', async () => {
    const operator = await open(vhost.url)
    const queue = unique('denied')
    const [receipt] = await scheduleNotes(operator, queue, [3000])
    await operator.cancel('declares-the-streams')
    const mq = await open(await userWith(vhost, PATTERNS.producer), { topology: 'trust' })
    const error = (await failure(mq.reschedule(receipt!, { in: 500 }, content(1)))) as DuequeError
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', outcome: 'refused' })
    const { handled, consumer } = await handling(queue)
    await settled(consumer, 1)
    expect(handled).toEqual([0])
  })
})
