import type { ConsumeMessage } from 'amqplib'
import { batchQueue, decodeBatch } from '../../src/message/batch.js'
import type { DelayedMessage } from '../../src/message/delayed-message.js'
import { rawChannel } from './mq.js'

/** A batch as RabbitMQ hands it over. */
export interface ArrivedBatch {
  readonly arrivedAt: number
  readonly message: ConsumeMessage
  readonly items: readonly DelayedMessage[]
}

/** Takes what arrives in the queue of batches of `queue`, which it declares, as no consumer of dueque does. */
export async function takeBatches(url: string, queue: string) {
  const channel = await rawChannel(url)
  const work = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
  for (const name of [queue, batchQueue(queue)]) await channel.assertQueue(name, work)
  const batches: ArrivedBatch[] = []
  const singles: ConsumeMessage[] = []
  const take = (message: ConsumeMessage | null) => {
    const { headers } = message!.properties
    const items = decodeBatch(message!.content, headers?.['dueque-items'], queue)
    batches.push({ arrivedAt: Date.now(), message: message!, items })
  }
  await channel.consume(batchQueue(queue), take, { noAck: true })
  await channel.consume(queue, (message) => singles.push(message!), { noAck: true })
  return {
    batches,
    /** Messages that came on their own. */
    singles,
    /** The numbers of all notes that arrived, in batches or not. */
    numbers: () => {
      const bodies = [
        ...batches.flatMap(({ items }) => items.map(({ body }) => body)),
        ...singles.map(({ content }) => content),
      ]
      return bodies.map((body) => (JSON.parse(Buffer.from(body).toString()) as { n: number }).n)
    },
  }
}
