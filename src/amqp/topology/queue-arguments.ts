import type { QueueType } from './names.js'
import type { Arguments } from './part.js'

/**
 * How often RabbitMQ delivers a message that is never acked, before the message goes to the dead queue. Cut connections
 * count too, and never add up to so many; consumers themselves count processes that end. Explicit, because RabbitMQ 4.x has
 * a default of 20. See docs/decisions/040-cut-connections-are-no-attempts.md.
 */
const DELIVERY_LIMIT = 1000
/** Reading a parked or dead message must not count against it. RabbitMQ 3.10 takes no negative limit. */
const NO_DELIVERY_LIMIT = 2 ** 31 - 1

const QUORUM = { 'x-queue-type': 'quorum', 'x-queue-leader-locator': 'balanced' }
/** Needed together: with another overflow the broker falls back to at-most-once. rabbit_quorum_queue:dlh/5. */
const AT_LEAST_ONCE = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }

/** A queue in which messages stay until an operator or a process takes them: dead, parked, unroutable. */
export function storageArguments(type: QueueType): Arguments {
  return type === 'classic' ? { 'x-queue-type': type } : { ...QUORUM, 'x-delivery-limit': NO_DELIVERY_LIMIT }
}

/** A queue that hands each message on to an exchange after `ttlMs`. */
export function waitArguments(type: QueueType, ttlMs: number, deadLetterExchange: string): Arguments {
  const args = { 'x-message-ttl': ttlMs, 'x-dead-letter-exchange': deadLetterExchange }
  return type === 'classic' ? { 'x-queue-type': type, ...args } : { ...QUORUM, ...AT_LEAST_ONCE, ...args }
}

/** A queue for a consumer. RabbitMQ dead-letters its messages to `exchange` with the key `key`. */
export function workArguments(type: QueueType, exchange: string, key: string): Arguments {
  const deadLetters = { 'x-dead-letter-exchange': exchange, 'x-dead-letter-routing-key': key }
  return type === 'classic'
    ? { 'x-queue-type': type, ...deadLetters }
    : { ...QUORUM, ...AT_LEAST_ONCE, 'x-delivery-limit': DELIVERY_LIMIT, ...deadLetters }
}
