import type { ChannelModel, ConfirmChannel } from 'amqplib'

/** The fastest confirmed publishing over plain amqplib: a callback for each confirm, a limit of messages in flight. */
export function publishAll(
  channel: ConfirmChannel,
  queue: string,
  bodies: readonly Buffer[],
  inFlight: number,
): Promise<void> {
  return sendAll(bodies, inFlight, (body, answered) =>
    channel.publish('', queue, body, { persistent: true, mandatory: true }, answered),
  )
}

/** Sends all items, with a limit of unanswered ones; reads them as it goes. */
export function sendAll<T>(
  items: Iterable<T>,
  inFlight: number,
  send: (item: T, answered: (error: Error | null) => void) => unknown,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const rest = items[Symbol.iterator]()
    let unanswered = 0
    let isRead = false
    const answered = (error: Error | null): void => {
      unanswered--
      if (error) reject(error)
      else pump()
    }
    const pump = () => {
      while (!isRead && unanswered < inFlight) {
        const next = rest.next()
        if (next.done) isRead = true
        else {
          unanswered++
          send(next.value, answered)
        }
      }
      if (isRead && unanswered === 0) resolve()
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
