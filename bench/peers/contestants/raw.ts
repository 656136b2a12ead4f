import { placeOf, urlOf, type Contestant } from '../contestant.js'
import { bodyFor } from '../payload.js'
import { amqpEntrant, consumeByAmqp, WORK_QUEUE } from './amqp-sender.js'

/** No delay at all: the limit of the broker. Its messages are due when they are published. */
export const raw: Contestant = {
  name: 'raw',
  about: 'amqplib publishes straight to a quorum queue, without a delay: the limit of RabbitMQ',
  servers: ['rabbitmq'],
  store: 'rabbitmq',
  cannot: { burst: 'it does not delay' },
  setUp: (site) =>
    amqpEntrant(placeOf(site, 'rabbitmq'), {
      settings: { queue: 'quorum' },
      publishOf: ({ n }) => ({ exchange: '', key: WORK_QUEUE, body: bodyFor({ n, dueAt: Date.now() }) }),
    }),
  consume: (urls, arrived) => consumeByAmqp(urlOf(urls, 'rabbitmq'), arrived),
}
