import { placeOf, urlOf, type Contestant } from '../contestant.js'
import { bodyFor, remainingMs } from '../payload.js'
import { AT_LEAST_ONCE, amqpEntrant, consumeByAmqp, WORK_QUEUE } from './amqp-sender.js'

const WAIT_QUEUE = 'peers.wait'

/** The common recipe. Only the head of a queue expires, so a message waits behind longer delays. */
export const ttlPerMessage: Contestant = {
  name: 'ttl-per-message',
  about: 'one wait queue made by hand, `expiration` of each message, dead-lettered to the work queue',
  servers: ['rabbitmq'],
  store: 'rabbitmq',
  setUp: (site) =>
    amqpEntrant(placeOf(site, 'rabbitmq'), {
      settings: { 'wait queue': 'quorum, at-least-once, reject-publish' },
      declare: async (channel) => {
        const target = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': WORK_QUEUE }
        await channel.assertQueue(WAIT_QUEUE, { durable: true, arguments: { ...AT_LEAST_ONCE, ...target } })
      },
      publishOf: (item) => ({
        exchange: '',
        key: WAIT_QUEUE,
        body: bodyFor(item),
        options: { expiration: remainingMs(item) },
      }),
    }),
  consume: (urls, arrived) => consumeByAmqp(urlOf(urls, 'rabbitmq'), arrived),
}
