import { checkNames } from '../base/checks.js'
import { DuequeError, invalidOption, shown } from '../base/errors.js'

/** Where a message goes when it is due: to a queue, or to an exchange of any type with a routing key. */
export type Destination = QueueDestination | ExchangeDestination

export interface QueueDestination {
  queue: string
  /**
   * For a queue of your own that refuses what it has no room for (a limit with `reject-publish`): due messages wait for
   * room in a queue in front of it, and hold up nothing else. Not needed with a queue that dueque declared.
   * @default false
   */
  outlet?: boolean | undefined
  exchange?: never
  routingKey?: never
}

export interface ExchangeDestination {
  exchange: string
  /** @default '' */
  routingKey?: string
  queue?: never
  outlet?: never
}

const DESTINATION: Record<keyof QueueDestination, true> = {
  queue: true,
  outlet: true,
  exchange: true,
  routingKey: true,
}

/** The bytes of an AMQP short string: routing keys, and the names of queues and exchanges. AMQP 0-9-1, 4.2.5.3. */
const SHORT_STRING_BYTES = 255
/** A quorum queue's vhost and name form an Erlang atom together. https://www.rabbitmq.com/docs/quorum-queues */
const QUORUM_NAME_BYTES = 251
/** `dq~exchange~` and `.dead` must find room beside the name. */
const NAME_BYTES = SHORT_STRING_BYTES - 'dq~exchange~'.length
/** The same for a queue. */
export const QUEUE_NAME_BYTES = QUORUM_NAME_BYTES - 'dq~queue~.dead'.length

const HALF_PAIR = /\p{Surrogate}/u
/** What the broker, or UTF-8, would make another name of. */
const CHANGED = /[\r\n\p{Surrogate}]/u
// Made once: it is asked about every header of every message.
const OWN_NAME = /^dueque-/i

/** The words that dueque keeps for itself in routing keys and headers. */
export function isReserved(name: string): boolean {
  return name.startsWith('dq~') || OWN_NAME.test(name)
}

/**
 * A destination that can be sent to, without anything else that the caller's object held.
 *
 * @throws DuequeError `INVALID_OPTION`, `RESERVED_NAME` or `NAME_TOO_LONG`
 */
export function checkDestination(to: unknown): Destination {
  const given = (typeof to === 'object' && to !== null ? to : {}) as Record<string, unknown>
  checkNames(given, DESTINATION, 'to')
  const { queue, exchange, routingKey, outlet } = given
  if ((queue === undefined) === (exchange === undefined)) {
    throw invalidOption('to', '{ queue } or { exchange, routingKey }', to)
  }
  if (queue !== undefined) {
    if (routingKey !== undefined) throw invalidOption('to.routingKey', 'none beside to.queue', routingKey)
    if (outlet !== undefined && typeof outlet !== 'boolean') throw invalidOption('to.outlet', 'true or false', outlet)
    const name = checkQueueName('to.queue', queue)
    return outlet ? { queue: name, outlet } : { queue: name }
  }
  if (outlet !== undefined) throw invalidOption('to.outlet', 'none beside to.exchange, which has one', outlet)
  if (typeof exchange !== 'string' || exchange === '') throw invalidOption('to.exchange', 'a name', exchange)
  checkKept('to.exchange', exchange)
  checkBytes(exchange, NAME_BYTES)
  if (routingKey !== undefined && typeof routingKey !== 'string')
    throw invalidOption('to.routingKey', 'a string', routingKey)
  const key = routingKey ?? ''
  if (HALF_PAIR.test(key)) throw invalidOption('to.routingKey', 'no half of a surrogate pair', key)
  checkBytes(key, SHORT_STRING_BYTES)
  if (isReserved(key)) {
    throw new DuequeError(
      'RESERVED_NAME',
      `to.routingKey: ${shown(key)} begins with a prefix that dueque keeps for itself`,
      {
        name: key,
      },
    )
  }
  return { exchange, routingKey: key }
}

/** @throws DuequeError `INVALID_OPTION` or `NAME_TOO_LONG` */
export function checkQueueName(option: string, name: unknown): string {
  if (typeof name !== 'string' || name === '') throw invalidOption(option, 'a name', name)
  if (isReserved(name)) {
    throw new DuequeError(
      'RESERVED_NAME',
      `${option}: ${shown(name)} begins with a prefix that dueque keeps for itself`,
      {
        name,
      },
    )
  }
  checkKept(option, name)
  checkBytes(name, QUEUE_NAME_BYTES)
  return name
}

/**
 * RabbitMQ takes line breaks out of the names of queues and exchanges and says nothing: messages to `a\nb` would wait for a
 * queue that exists as `ab`. Half of a surrogate pair becomes another character before it is sent.
 */
function checkKept(option: string, name: string): void {
  if (CHANGED.test(name))
    throw invalidOption(
      option,
      'a name without line breaks and halves of surrogate pairs, which the broker would change',
      name,
    )
}

/** One line for headers and people: `queue:reminders`, `outlet:reminders` or `exchange:clinic`. */
export function destinationText({ queue, exchange, outlet }: Destination): string {
  if (queue === undefined) return `exchange:${exchange}`
  return `${outlet ? 'outlet' : 'queue'}:${queue}`
}

/** Where a message belongs, by what {@link destinationText} left in its headers. */
export function parseDestination(
  headers: Readonly<Record<string, unknown>>,
  routingKey: string,
): Destination | undefined {
  const to = headers['dueque-to']
  const destination = typeof to === 'string' ? parseDestinationText(to) : undefined
  return destination?.exchange === undefined ? destination : { ...destination, routingKey }
}

/** The destination of a {@link destinationText}: an exchange is without a routing key. */
export function parseDestinationText(text: string): Destination | undefined {
  const [, kind, name] = /^(queue|outlet|exchange):(.+)$/s.exec(text) ?? []
  if (name === undefined || Buffer.byteLength(name) > NAME_BYTES) return undefined
  if (kind === 'exchange') return { exchange: name }
  return kind === 'outlet' ? { queue: name, outlet: true } : { queue: name }
}

/** A queue to which a message goes back: by its outlet, if the message came that way. */
export function backTo(queue: string, headers: Readonly<Record<string, unknown>>): QueueDestination {
  const came = parseDestination(headers, '')
  return came?.queue === queue ? came : { queue }
}

/** @throws DuequeError `NAME_TOO_LONG` */
export function checkBytes(name: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(name)
  if (bytes <= maxBytes) return
  throw new DuequeError('NAME_TOO_LONG', `${shown(name)} has ${bytes} bytes, over the limit of ${maxBytes}`, {
    name,
    bytes,
    maxBytes,
  })
}
