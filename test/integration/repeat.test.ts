import { expect, test } from 'vitest'
import { isDuequeError, on } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { failure, open } from '../support/mq.js'
import { note, unique } from '../strategies/recorder.js'

const vhost = useVhost()

test('a schedule whose outcome is unknown is repeated with its receipt, and handled once', async () => {
  const queue = unique('repeat')
  const mq = await open(vhost.url)
  const options = { to: { queue }, in: 3000, declare: true }
  // A new rung holds its confirm for 2 s, so the abort comes after the broker has the message. Declaring the rung takes
  // more than a second on a busy machine.
  const schedule = mq.schedule(note, { n: 1 }, { ...options, signal: AbortSignal.timeout(1600) })
  const error = await failure(schedule)
  if (!isDuequeError(error, 'ABORTED')) throw error
  expect(error.outcome).toBe('unknown')
  const repeated = await mq.schedule(note, { n: 1 }, { ...options, repeat: error.receipt })
  expect(repeated).toEqual(error.receipt)

  const calls: string[] = []
  const consumer = await mq.consume(queue, [on(note, ({ id }) => void calls.push(id))])
  await poll(() => consumer.stats().suppressed === 1, { timeoutMs: 30_000, what: 'a suppressed copy' })
  expect(calls).toEqual([repeated.id])
})

test('a schedule that was refused has no receipt', async () => {
  const mq = await open(vhost.url)
  const error = await failure(mq.schedule(note, { n: 1 }, { to: { queue: unique('missing') }, in: 100 }))
  expect(isDuequeError(error) && [error.outcome, error.receipt]).toEqual(['refused', undefined])
})
