import type { Channel, GetMessage, Options } from 'amqplib'
import { onTestFinished } from 'vitest'
import { startIntake, type Intake, type IntakeOptions } from '../../src/index.js'
import { poll } from './broker.js'

/** An intake that ends with the test. */
export async function openIntake(options: IntakeOptions): Promise<Intake> {
  const intake = await startIntake(options)
  onTestFinished(() => intake.close())
  return intake
}

/** Publishes as a producer of the plugin does. */
export function publishDelayed(
  channel: Channel,
  exchange: string,
  key: string,
  body: string | Buffer,
  delay: unknown,
  { headers, ...options }: Options.Publish = {},
): void {
  const all = { ...(headers as object), ...(delay !== undefined && { 'x-delay': delay }) }
  channel.publish(exchange, key, Buffer.from(body), { ...options, headers: all })
}

/** The next message of a queue, as it is. */
export async function next(channel: Channel, queue: string): Promise<GetMessage> {
  const found: GetMessage[] = []
  const look = async () => {
    const message = await channel.get(queue, { noAck: true })
    if (message) found.push(message)
    return found.length > 0
  }
  await poll(look, { what: `a message in ${queue}`, timeoutMs: 30_000 })
  return found[0]!
}
