import { connect, type ConsumeMessage } from 'amqplib'
import { offsetOf, streamEnd } from '../../src/amqp/receive/stream-end.js'

/** All messages that a stream has at this moment, by plain amqplib. */
export async function streamMessages(url: string, stream: string): Promise<ConsumeMessage[]> {
  const model = await connect(url, { noDelay: true })
  try {
    const end = await streamEnd(model, stream)
    if (!end) return []
    const channel = await model.createChannel()
    await channel.prefetch(1000)
    const messages: ConsumeMessage[] = []
    await new Promise<void>((resolve) => {
      const onMessage = (message: ConsumeMessage | null) => {
        messages.push(message!)
        channel.ack(message!)
        if (offsetOf(message!) >= end.offset) resolve()
      }
      void channel.consume(stream, onMessage, { arguments: { 'x-stream-offset': 'first' } })
    })
    return messages
  } finally {
    await model.close()
  }
}
