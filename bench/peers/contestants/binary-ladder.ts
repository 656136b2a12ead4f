import type { ConfirmChannel } from 'amqplib'
import { placeOf, urlOf, type Contestant } from '../contestant.js'
import { bodyFor, remainingMs } from '../payload.js'
import { AT_LEAST_ONCE, amqpEntrant, consumeByAmqp, WORK_QUEUE } from './amqp-sender.js'
import { delayKeyOf, LEVELS } from './delay-key.js'

const DELIVERY = 'peers.delay-delivery'
const levelName = (level: number) => `peers.delay-level-${String(level).padStart(2, '0')}`

/**
 * The topology of NServiceBus.RabbitMQ since version 7 and of kombu ("native delayed delivery"). As NServiceBus does, it rounds
 * up to whole seconds and starts at the highest level that is needed; Celery cuts off the fraction, and so is early. The work
 * queue is bound once, as by Celery; NServiceBus binds it again before each message.
 */
export const binaryLadder: Contestant = {
  name: 'binary-ladder',
  about: `${LEVELS} TTL queues of powers of two, in whole seconds, as of NServiceBus and Celery`,
  servers: ['rabbitmq'],
  store: 'rabbitmq',
  setUp: (site) =>
    amqpEntrant(placeOf(site, 'rabbitmq'), {
      settings: { levels: `${LEVELS}, quorum, at-least-once, reject-publish`, rounding: 'up to whole seconds' },
      declare,
      publishOf: (item) => {
        const { level, key } = delayKeyOf(Math.ceil(remainingMs(item) / 1000), WORK_QUEUE)
        return { exchange: level === undefined ? DELIVERY : levelName(level), key, body: bodyFor(item) }
      },
    }),
  consume: (urls, arrived) => consumeByAmqp(urlOf(urls, 'rabbitmq'), arrived),
}

/** A digit 1 leads into the queue of its level, a digit 0 past it, straight to the next level. */
async function declare(channel: ConfirmChannel): Promise<void> {
  await channel.assertExchange(DELIVERY, 'topic', { durable: true })
  for (let level = 0; level < LEVELS; level++) {
    const name = levelName(level)
    const next = level === 0 ? DELIVERY : levelName(level - 1)
    const before = '*.'.repeat(LEVELS - 1 - level)
    await channel.assertExchange(name, 'topic', { durable: true })
    await channel.assertQueue(name, {
      durable: true,
      arguments: { ...AT_LEAST_ONCE, 'x-message-ttl': 2 ** level * 1000, 'x-dead-letter-exchange': next },
    })
    await channel.bindQueue(name, name, `${before}1.#`)
    await channel.bindExchange(next, name, `${before}0.#`)
  }
  await channel.bindQueue(WORK_QUEUE, DELIVERY, `#.${WORK_QUEUE}`)
}
