import type { Broker } from '../../broker.js'
import { hasDelayPlugin, mnesiaBytes } from '../../strategies/contenders.js'
import { placeOf, urlOf, type Contestant } from '../contestant.js'
import { bodyFor, remainingMs } from '../payload.js'
import { amqpEntrant, consumeByAmqp, WORK_QUEUE } from './amqp-sender.js'
import { queuedMessages } from '../servers/rabbitmq.js'

const EXCHANGE = 'peers.delayed'

/** The delayed-message plugin itself, on a broker that has it: up to RabbitMQ 4.2, with DUEQUE_RABBITMQ_PLUGINS. */
export const delayedPlugin: Contestant = {
  name: 'plugin',
  about: 'an x-delayed-message exchange, the header x-delay',
  servers: ['rabbitmq'],
  store: 'rabbitmq',
  async setUp(site) {
    const place = placeOf(site, 'rabbitmq')
    const { broker } = place
    if (!(await hasDelayPlugin(broker))) return 'this RabbitMQ has no delayed-message plugin'
    return amqpEntrant(place, {
      // The broker returns every delayed message that is published as mandatory.
      settings: { waiting: 'on one node, in Mnesia', mandatory: false },
      declare: async (channel) => {
        const type = { arguments: { 'x-delayed-type': 'direct' } }
        await channel.assertExchange(EXCHANGE, 'x-delayed-message', { durable: true, ...type })
        await channel.bindQueue(WORK_QUEUE, EXCHANGE, WORK_QUEUE)
      },
      publishOf: (item) => ({
        exchange: EXCHANGE,
        key: WORK_QUEUE,
        body: bodyFor(item),
        options: { mandatory: false, headers: { 'x-delay': remainingMs(item) } },
      }),
      waiting: async () => (await delayedMessages(broker)) + (await queuedMessages(place)),
      bytes: () => mnesiaBytes(broker),
    })
  },
  consume: (urls, arrived) => consumeByAmqp(urlOf(urls, 'rabbitmq'), arrived),
}

async function delayedMessages({ ask, vhost }: Broker): Promise<number> {
  const path = `/exchanges/${encodeURIComponent(vhost)}/${EXCHANGE}`
  const { messages_delayed: count = 0 } = await ask<{ messages_delayed?: number }>(path)
  return count
}
