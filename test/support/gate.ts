import type { Channel, ConsumeMessage } from 'amqplib'
import { onTestFinished } from 'vitest'
import { startGate, type GateOptions, type GateProcess } from '../../src/index.js'

/** A gate that ends with the test. */
export async function openGate(options: GateOptions): Promise<GateProcess> {
  const gate = await startGate(options)
  onTestFinished(() => gate.close())
  return gate
}

export interface Received {
  readonly id: string
  /** When it arrived, by the wall clock. */
  readonly at: number
  readonly message: ConsumeMessage
}

/** Consumes a queue as a program that does not know dueque. */
export async function receive(channel: Channel, queue: string): Promise<readonly Received[]> {
  const received: Received[] = []
  const listener = (message: ConsumeMessage | null) => {
    if (message) received.push({ id: String(message.properties.messageId), at: Date.now(), message })
  }
  await channel.consume(queue, listener, { noAck: true })
  return received
}
