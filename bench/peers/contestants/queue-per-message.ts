import { connectRaw, declareQuorum } from '../../broker.js'
import { byCallers } from '../../callers.js'
import { openConfirmChannel, sendAll } from '../../raw.js'
import { placeOf, urlOf, type Contestant, type Item } from '../contestant.js'
import { bodyFor, remainingMs } from '../payload.js'
import { queuedMessages } from '../servers/rabbitmq.js'
import { consumeByAmqp, WORK_QUEUE } from './amqp-sender.js'

const MANY = 'it declares a queue for each message, which is too much for a broker'
const CALLERS = 50
/** An empty queue that nobody uses is deleted so much after its message has left. */
const EXPIRES_LATER_MS = 1000

/** The other recipe: a queue with the TTL of one message, which goes when it is not used any more. */
export const queuePerMessage: Contestant = {
  name: 'queue-per-message',
  about: 'a classic queue for each message, with its delay as `x-message-ttl`, and `x-expires`',
  servers: ['rabbitmq'],
  store: 'rabbitmq',
  longOnly: true,
  cannot: { burst: MANY, ceiling: MANY, waiting: MANY, kill: MANY },
  async setUp(site) {
    const place = placeOf(site, 'rabbitmq')
    const model = await connectRaw(place)
    const channel = await openConfirmChannel(model)
    await declareQuorum(channel, WORK_QUEUE)
    let turn = 0
    const schedule = async (item: Item) => {
      const queue = `peers.wait.${turn++}`
      const ttl = remainingMs(item)
      const target = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': WORK_QUEUE }
      await channel.assertQueue(queue, {
        durable: true,
        arguments: { ...target, 'x-message-ttl': ttl, 'x-expires': ttl + EXPIRES_LATER_MS },
      })
      const body = bodyFor(item)
      await sendAll([body], 1, (one, answered) => channel.publish('', queue, one, { persistent: true }, answered))
    }
    return {
      settings: { client: 'amqplib', 'wait queues': 'classic, at-most-once' },
      schedule,
      scheduleMany: (items) => byCallers(items, CALLERS, schedule),
      waiting: () => queuedMessages(place),
      close: () => model.close(),
    }
  },
  consume: (urls, arrived) => consumeByAmqp(urlOf(urls, 'rabbitmq'), arrived),
}
