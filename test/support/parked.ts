import type { Channel } from 'amqplib'
import { poll } from './broker.js'

export const PARKED = 'dueque.v1.parked'

export interface ParkedMessage {
  id: string
  /** `dueque-to`; none if undefined. */
  to?: string
  /** @default in the past */
  due?: number
  body?: Buffer
  headers?: Record<string, unknown>
}

/** Parks messages as dueque does. Resolves when they are there. */
export async function park(channel: Channel, messages: readonly ParkedMessage[]): Promise<void> {
  const before = await depth(channel, PARKED)
  for (const [
    i,
    { id, to, due = Date.now() - 1000, body = Buffer.from(`{"n":${i}}`), headers },
  ] of messages.entries()) {
    const own = { 'dueque-due': due, 'dueque-revision': 1000 + i, 'dueque-attempt': 1, ...(to && { 'dueque-to': to }) }
    channel.publish(PARKED, to?.replace(/^\w+:/, '') ?? 'key', body, {
      messageId: id,
      type: 'test.note',
      persistent: true,
      headers: { ...own, ...headers },
    })
  }
  await holds(channel, PARKED, before + messages.length)
}

/** The number of ready messages: unacked ones are not counted. */
export async function depth(channel: Channel, queue: string): Promise<number> {
  return (await channel.checkQueue(queue)).messageCount
}

export function holds(channel: Channel, queue: string, count: number): Promise<unknown> {
  return poll(async () => (await depth(channel, queue)) === count, {
    what: `${count} messages in ${queue}`,
    timeoutMs: 30_000,
  })
}

/** Takes every message of a queue. */
export async function idsIn(channel: Channel, queue: string): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const message = await channel.get(queue, { noAck: true })
    if (message === false) return ids
    ids.push(message.properties.messageId as string)
  }
}
