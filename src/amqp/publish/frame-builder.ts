import type { Options } from 'amqplib'
import { isReserved } from '../../message/destination.js'
import { routingKeyOf, type DelayedMessage } from '../../message/delayed-message.js'
import { encodeEnvelope } from '../../message/envelope.js'
import type { HeaderValue } from '../../message/headers.js'
import { writable } from './field-table.js'

/** What one attempt writes to the wire: the arguments of `basic.publish`, without the body. Valid until the next one is built. */
export interface Frame {
  exchange: string
  routingKey: string
  options: Options.Publish
}

type Table = Record<string, HeaderValue | undefined>

/** With more names than this, the table is replaced by a fresh one. */
const MAX_NAMES = 64

/**
 * Builds the frames of one publisher. All of them share one table of headers: amqplib makes the headers the prototype of the
 * table that it writes, and V8 takes as long to turn a fresh object into a prototype as for everything else about a message
 * (docs/decisions/026).
 */
export class FrameBuilder {
  #headers: Table = {}

  /**
   * The frame that sends a message into `exchange` along `path`. The path's keys travel in BCC: RabbitMQ routes by them,
   * keeps them through dead-lettering and hides them from the consumer. https://www.rabbitmq.com/docs/sender-selected
   */
  build(message: DelayedMessage, exchange: string, path: readonly string[]): Frame {
    // Headers of a foreign producer have not been checked.
    const table = message.properties ? (writable(message.headers) as Table) : this.#filled(message.headers)
    const properties = encodeEnvelope(message, table)
    // Fields are added in place, because this runs for every message.
    const options = properties as typeof properties & Options.Publish
    // A store may return a foreign message with this header, and RabbitMQ would route by it.
    if (table['CC'] !== undefined) table['CC'] = undefined
    table['BCC'] = message.furtherKeys ? [...path, ...message.furtherKeys.filter((key) => !isReserved(key))] : path
    options.mandatory = true
    return { exchange, routingKey: routingKeyOf(message), options }
  }

  /** The shared table, with these headers alone. amqplib leaves out undefined values. */
  #filled(headers: DelayedMessage['headers']): Table {
    const names = Object.keys(this.#headers)
    if (names.length > MAX_NAMES) this.#headers = {}
    else for (const name of names) this.#headers[name] = undefined
    return Object.assign(this.#headers, headers)
  }
}

/** A body as the Buffer that amqplib asks for, on the same memory. */
export function bufferOf(body: Uint8Array): Buffer {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}
