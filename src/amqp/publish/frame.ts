import type { Options } from 'amqplib'
import { isReserved } from '../../message/destination.js'
import { encodeEnvelope, routingKeyOf, type DelayedMessage, type HeaderValue } from '../../message/envelope.js'
import { writable } from './field-table.js'

/** What is written to the wire for one attempt. Good until the next one is made. */
export interface Frame {
  exchange: string
  routingKey: string
  options: Options.Publish
}

type Table = Record<string, HeaderValue | undefined>

/** More names than this are not kept in {@link shared}. */
const MAX_SHARED_NAMES = 64

/**
 * The headers of one message after another. amqplib makes them the prototype of the table that it writes; for an object
 * that is none yet that costs V8 as much as everything else about the message: docs/decisions/026.
 */
let shared: Table = {}

/**
 * The frame that sends a message into `exchange` along `path`. The path's keys travel in BCC: RabbitMQ routes by them,
 * keeps them through dead-lettering and hides them from the consumer. https://www.rabbitmq.com/docs/sender-selected
 */
export function frameFor(message: DelayedMessage, exchange: string, path: readonly string[]): Frame {
  // Those of a foreign producer have not been checked.
  const table = message.properties ? (writable(message.headers) as Table) : sharedWith(message.headers)
  const properties = encodeEnvelope(message, table)
  // Added in place, since this runs for every message.
  const options = properties as typeof properties & Options.Publish
  // Of a foreign message that a store returned: RabbitMQ would route by it.
  if (table['CC'] !== undefined) table['CC'] = undefined
  table['BCC'] = message.furtherKeys ? [...path, ...message.furtherKeys.filter((key) => !isReserved(key))] : path
  options.mandatory = true
  return { exchange, routingKey: routingKeyOf(message), options }
}

function sharedWith(headers: DelayedMessage['headers']): Table {
  const names = Object.keys(shared)
  if (names.length > MAX_SHARED_NAMES) shared = {}
  // amqplib leaves out what is undefined.
  else for (const name of names) shared[name] = undefined
  return Object.assign(shared, headers)
}

/** amqplib takes nothing but a Buffer. This one shares the message's memory. */
export function bufferOf(body: Uint8Array): Buffer {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}
