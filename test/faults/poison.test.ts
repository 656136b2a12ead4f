import { describe, expect, test, vi } from 'vitest'
import { ladder, on, type Dueque } from '../../src/index.js'
import type { DelayedMessage } from '../../src/message/delayed-message.js'
import type { Strategy } from '../../src/strategies/strategy.js'
import { useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { holds } from '../support/parked.js'
import { Recorder, note, unique } from '../strategies/recorder.js'

vi.setConfig({ testTimeout: 180_000 })
const vhost = useVhost()

/** RabbitMQ answers 406 to a producer that consumes nothing from it: https://www.rabbitmq.com/docs/direct-reply-to */
const NO_CONSUMER = { properties: { replyTo: 'amq.rabbitmq.reply-to' } }

/** Messages for which RabbitMQ closes the channel or the connection; the checks of dueque refuse them. */
const POISONS: [what: string, replyCode: number, poison: Partial<DelayedMessage>][] = [
  ['closes the channel', 406, NO_CONSUMER],
  ['closes the connection', 541, { headers: { x: { '!': 'double', value: NaN } } }],
]

/** A ladder without such checks: it poisons the messages that `test` selects. */
function poisoning(poison: Partial<DelayedMessage>, test: (message: DelayedMessage) => boolean): Strategy {
  const inner = ladder()
  const schedule = (message: DelayedMessage, options: Parameters<Strategy['schedule']>[1]) =>
    inner.schedule(test(message) ? { ...message, ...poison } : message, options)
  return { ...inner, schedule }
}

function losses(mq: Dueque): () => number {
  let lost = 0
  mq.on('disconnected', () => lost++)
  return () => lost
}

describe.each(POISONS)('a message for which RabbitMQ %s', (_, replyCode, poison) => {
  test.each([
    [500, 500, 500],
    [100, 5, 10],
  ])(
    'is refused, and no other message is lost: %i messages, every %ith of this kind, %i in flight',
    async (count, nth, maxInFlight) => {
      const isPoison = (n: number) => n % nth === 2
      const strategy = poisoning(poison, ({ correlationId }) => isPoison(Number(correlationId)))
      const mq = await open(vhost.url, { strategy, maxInFlight, publishTimeoutMs: 120_000 })
      const [queue, lost] = [unique('poison'), losses(mq)]
      const recorder = await Recorder.on(mq, queue)
      const numbers = Array.from({ length: count }, (_, n) => n)
      const results = await Promise.allSettled(
        numbers.map((n) => mq.schedule(note, { n }, { to: { queue }, in: 500, correlationId: String(n) })),
      )
      const reasons = results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : undefined))
      expect(numbers.filter((n) => reasons[n])).toEqual(numbers.filter(isPoison))
      expect(reasons[2]).toMatchObject({ code: 'MESSAGE_REFUSED', data: { replyCode } })
      expect(lost()).toBeLessThanOrEqual((5 * count) / nth)
      await recorder.has(count - count / nth)
      expect(recorder.deliveries).toHaveLength(count - count / nth)
    },
  )

  test('is refused when it is the only message in flight', async () => {
    const mq = await open(vhost.url, { strategy: poisoning(poison, () => true) })
    const queue = unique('poison')
    const refusal = await failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h', declare: true }))
    expect(refusal).toMatchObject({ code: 'MESSAGE_REFUSED', data: { replyCode } })
  })
})

test('a retry that RabbitMQ refuses is dead-lettered', async () => {
  const mq = await open(vhost.url, { strategy: poisoning(NO_CONSUMER, isRetry) })
  const queue = unique('poison')
  await mq.consume(queue, [on(note, () => Promise.reject(new Error('no')))], { retry: { attempts: 3, backoff: 10 } })
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
  await holds(await rawChannel(vhost.url), `${queue}.dead`, 1)
})

function isRetry({ attempt }: DelayedMessage): boolean {
  return attempt > 1
}
