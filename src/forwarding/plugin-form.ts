import { createHash } from 'node:crypto'
import { isReserved, type ExchangeDestination } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { decodeEnvelope, sentOn, type Arrived } from '../message/envelope.js'
import { readText, passedOn } from '../message/headers.js'

/** What a producer of the delayed-message plugin writes: milliseconds. */
export const DELAY_HEADER = 'x-delay'

/** RabbitMQ 4.0 to 4.2 lets a message of a higher priority overtake in its wait queue, where it would hold up the others. */
const MAX_PRIORITY = 4

/** How long a message waits (0: not at all), or why that cannot be known. */
export type Reading = { delayMs: number } | { problem: string }

/**
 * Reads `x-delay` as the plugin does: a whole number of milliseconds, also as a text. Without the header there is no delay, nor
 * if the number is not over 0, or of a type that the plugin passes over (boolean, null, list, …).
 *
 * Three cases differ, because the plugin is wrong there. It delivers a message with over 4,294,967,295 at once: here it waits.
 * It cuts a fraction off (4.2) or delivers at once (3.10): here the delay is rounded up. It closes the producer's connection
 * (3.10) for a text that is no whole number: here that is a problem.
 */
export function delayOf(value: unknown, maxDelayMs: number): Reading {
  if (typeof value === 'string' && !/^[+-]?\d+$/.test(value))
    return { problem: `x-delay is no whole number: "${value}"` }
  if (typeof value !== 'string' && typeof value !== 'number') return { delayMs: 0 }
  const delayMs = Math.ceil(Number(value))
  if (Number.isNaN(delayMs)) return { problem: 'x-delay is not a number' }
  if (delayMs <= maxDelayMs) return { delayMs: Math.max(delayMs, 0) }
  return { problem: `x-delay of ${value} ms is over the limit of ${maxDelayMs} ms` }
}

/**
 * A message of a producer of the plugin, as it waits and then reaches the exchange `to`: body, routing key, properties and
 * headers stay, with `x-delay` negative, as the plugin has it on delivery. A message with an id (`message_id`) gets a dedupe
 * key, so that consumers recognize the second copy if an intake dies between publish and ack.
 *
 * @param now milliseconds since the epoch
 * @param maxDelayMs the longest delay that can be waited for
 */
export function messageOf(
  arrived: Arrived,
  to: string,
  now: number,
  maxDelayMs: number,
): DelayedMessage | { problem: string } {
  const { headers, properties, routingKey } = arrived
  const reading = delayOf(headers[DELAY_HEADER], maxDelayMs)
  if ('problem' in reading) return reading
  const furtherKeys = ccOf(headers)
  const reserved = [routingKey, ...furtherKeys].find(isReserved)
  if (reserved !== undefined) return { problem: `the routing key ${reserved} begins with a prefix of dueque's own` }
  const { delayMs } = reading
  const dueAt = now + delayMs
  const destination: ExchangeDestination = { exchange: to, routingKey }
  const { priority, ...message } = sentOn(arrived, decodeEnvelope(arrived), destination, now)
  return {
    ...message,
    dueAt,
    retryAt: undefined,
    expiresAt: expiryOf(properties['expiration'], dueAt),
    revision: now * 1000 + Math.floor(Math.random() * 1000),
    dedupeKey: dedupeKeyOf(arrived),
    priority: priority === undefined ? undefined : Math.min(priority, MAX_PRIORITY),
    ...(furtherKeys.length > 0 && { furtherKeys }),
    headers: delayMs > 0 ? { ...message.headers, [DELAY_HEADER]: -delayMs } : message.headers,
  }
}

/**
 * The plugin routes by CC too. The header itself does not go out again, since every later publish would be routed by it.
 * BCC RabbitMQ removes from what it delivers.
 */
function ccOf(headers: Readonly<Record<string, unknown>>): string[] {
  const { CC: keys } = headers
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
}

/** In the plugin a TTL counts from when the message is due. In a rung it would cut the wait short. */
function expiryOf(expiration: unknown, dueAt: number): number | undefined {
  return typeof expiration === 'string' && /^\d{1,15}$/.test(expiration) ? dueAt + Number(expiration) : undefined
}

/** The same id for something else is another message. */
function dedupeKeyOf({ properties, headers, routingKey, body }: Arrived): string | undefined {
  const id = readText(properties['messageId'])
  if (id === undefined) return undefined
  const hash = createHash('sha256').update(body)
  hash.update(JSON.stringify([id, routingKey, properties['timestamp'] ?? null, passedOn(headers)]))
  return `intake:${hash.digest('base64url')}`
}
