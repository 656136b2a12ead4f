import { connect, type Channel } from 'amqplib'
import { poll } from './broker.js'
import { depth, holds } from './parked.js'

export interface DeadMessage {
  id: string
  name?: string
  reason?: string
  headers?: Record<string, unknown>
  body?: Buffer
}

/** The default time of death of the messages of {@link bury}. */
export const DIED = Date.UTC(2026, 0, 31, 9)

/** Puts messages into the dead queue of `queue`, as its consumer would. Resolves when they are there. */
export async function bury(channel: Channel, queue: string, messages: readonly DeadMessage[]): Promise<void> {
  const before = await depth(channel, `${queue}.dead`)
  for (const [i, { id, name = 'test.note', reason = 'handler-error', headers, body }] of messages.entries()) {
    channel.sendToQueue(`${queue}.dead`, body ?? Buffer.from(`{"n":${i}}`), {
      messageId: id,
      type: name,
      persistent: true,
      headers: {
        'dueque-due': DIED - 60_000,
        'dueque-revision': 1000 + i,
        'dueque-attempt': 3,
        'dueque-to': `queue:${queue}`,
        'dueque-first-failed': DIED - 30_000,
        'dueque-last-failed': DIED - 10_000,
        'dueque-dead-reason': reason,
        'dueque-dead-error': 'no such room',
        'dueque-dead-at': DIED,
        ...headers,
      },
    })
  }
  await holds(channel, `${queue}.dead`, before + messages.length)
}

/** Declares a work queue as dueque does, except for its delivery limit. */
export async function declareWorn(channel: Channel, queue: string, limit: number): Promise<void> {
  await channel.assertQueue(queue, {
    arguments: {
      'x-queue-type': 'quorum',
      'x-delivery-limit': limit,
      'x-dead-letter-exchange': 'dueque.v1.deliver',
      'x-dead-letter-routing-key': `dq~queue~${queue}.dead`,
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    },
  })
}

/** Takes the one message of a queue and never acks it, as a process does that crashes by it. */
export async function abandon(url: string, queue: string, times: number): Promise<void> {
  const model = await connect(url, { noDelay: true })
  for (let taken = 0; taken < times;) {
    const channel = await model.createChannel()
    if (await channel.get(queue)) taken++
    await channel.close()
  }
  await model.close()
}

/** Makes the broker dead-letter the one message of a work queue: takes it without an ack up to the delivery limit. */
export async function wearOut(url: string, queue: string): Promise<void> {
  const model = await connect(url, { noDelay: true })
  const watching = await model.createChannel()
  const isDead = async () => {
    if ((await depth(watching, `${queue}.dead`)) > 0) return true
    const channel = await model.createChannel()
    await channel.get(queue)
    // Without an ack.
    await channel.close()
    return false
  }
  await poll(isDead, { what: 'the delivery limit', timeoutMs: 30_000, intervalMs: 1 }).finally(() => model.close())
}
