import type { Options } from 'amqplib'
import type { DelayedMessage } from '../envelope.js'
import { encodeEnvelope, routingKeyOf } from '../envelope.js'
import { writable } from './field-table.js'
import type { Frame } from './publisher.js'

/**
 * The frame that sends a message into `exchange` along `path`. The path's keys travel in BCC: RabbitMQ routes by them,
 * keeps them through dead-lettering and hides them from the consumer. https://www.rabbitmq.com/docs/sender-selected
 */
export function frameFor(message: DelayedMessage, exchange: string, path: readonly string[]): Frame {
  const properties = encodeEnvelope(message)
  // Added in place, since this runs for every message.
  const options = properties as typeof properties & Options.Publish
  // Those of a foreign producer have not been checked.
  if (message.properties) properties.headers = writable(properties.headers) as typeof properties.headers
  Object.assign(properties.headers, { BCC: path })
  options.mandatory = true
  return { exchange, routingKey: routingKeyOf(message), options }
}

/** amqplib takes nothing but a Buffer. This one shares the message's memory. */
export function bufferOf(body: Uint8Array): Buffer {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}
