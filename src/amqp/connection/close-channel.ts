import type { Channel } from 'amqplib'

/**
 * Closes a channel, and resolves when it is closed: by the broker's answer, or with its connection. amqplib's own promise never
 * settles if the connection is lost before the answer.
 */
export function closeChannel(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    channel.once('close', resolve)
    // One that is closed already says so.
    channel.close().catch(() => resolve())
  })
}
