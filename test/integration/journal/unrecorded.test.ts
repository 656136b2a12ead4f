import { expect, test, vi } from 'vitest'
import { ladder, on } from '../../../src/index.js'
import { note, unique, type Note } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { open, rawChannel } from '../../support/mq.js'

const vhost = useVhost()

test('a retry whose record is too large waits all the same, and the log says that the journal does not show it', async () => {
  const namespace = unique('journal')
  const queue = unique('work')
  const plain = await open(vhost.url, { namespace })
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  // The body fits, and a record with this body and an envelope does not.
  const limits = { maxBodyBytes: 2050, logger }
  const mq = await open(vhost.url, { namespace, strategy: ladder({ journal: true }), ...limits })
  const attempts: number[] = []
  const failing = on(note, ({ attempt }: Note) => {
    attempts.push(attempt)
    if (attempt === 1) throw new Error('not yet')
  })
  const consumer = await mq.consume(queue, [failing], { retry: { attempts: 2, backoff: '300ms' } })
  const { id } = await plain.schedule(note, { n: 1, text: 'x'.repeat(2000) }, { to: { queue }, in: 0 })
  await poll(() => consumer.stats().handled === 1, { what: 'the second attempt' })
  expect([attempts, consumer.stats()]).toMatchObject([[1, 2], { retried: 1, dead: 0 }])
  expect(logger.warn.mock.calls).toContainEqual([
    'a message waits and is not in the journal',
    { id, to: `queue:${queue}`, error: expect.stringContaining('over the limit of 2050') as string },
  ])
})

test('the log says the same of a message that came far too early, and waits again', async () => {
  const queue = unique('work')
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const limits = { maxBodyBytes: 2050, logger }
  const strategy = ladder({ journal: true })
  const mq = await open(vhost.url, { namespace: unique('journal'), strategy, ...limits })
  const consumer = await mq.consume(queue, [on(note, () => undefined)])
  const channel = await rawChannel(vhost.url)
  const body = JSON.stringify({ n: 1, text: 'x'.repeat(2000) })
  const headers = { 'dueque-due': Date.now() + 3_600_000 }
  channel.sendToQueue(queue, Buffer.from(body), { messageId: 'early', type: note.name, headers })
  await poll(() => consumer.stats().putBack === 1, { timeoutMs: 30_000, what: 'the message to be put back' })
  expect(logger.warn.mock.calls).toContainEqual([
    'a message waits and is not in the journal',
    { id: 'early', to: `queue:${queue}`, error: expect.stringContaining('over the limit of 2050') as string },
  ])
})
