import type { ChannelModel, ConfirmChannel } from 'amqplib'

/** The fastest confirmed publishing over plain amqplib: a callback for each confirm, a limit of messages in flight. */
export function publishAll(
  channel: ConfirmChannel,
  queue: string,
  bodies: readonly Buffer[],
  inFlight: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let confirmed = 0
    const answered = (error: Error | null): void => {
      confirmed++
      if (error) reject(error)
      else if (confirmed === bodies.length) resolve()
      else pump()
    }
    const pump = () => {
      while (sent < bodies.length && sent - confirmed < inFlight) {
        channel.publish('', queue, bodies[sent++]!, { persistent: true, mandatory: true }, answered)
      }
    }
    pump()
  })
}

/** A channel on which a returned message is an error. */
export async function openConfirmChannel(model: ChannelModel): Promise<ConfirmChannel> {
  const channel = await model.createConfirmChannel()
  channel.on('return', () => channel.emit('error', new Error('a message was returned')))
  return channel
}
