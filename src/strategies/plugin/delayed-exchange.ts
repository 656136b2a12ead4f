import type { Names } from '../../amqp/topology/names.js'
import { exchange, exchangeBinding, type BindingPart, type ExchangePart } from '../../amqp/topology/part.js'

const IF_UNKNOWN =
  'the delayed-message plugin is not enabled on it. It exists for RabbitMQ up to 4.2 (rabbitmq-plugins enable ' +
  'rabbitmq_delayed_message_exchange, on every node) and cannot run on 4.3. ladder() needs no plugin, and a store needs ' +
  'none either (option: strategy)'

/** The plugin's exchange in a namespace. Messages wait in it. */
export function delayedExchange({ prefix }: Pick<Names, 'prefix'>): string {
  return `${prefix}.delayed`
}

/**
 * The parts of the strategy `plugin`. They need the base layout. The exchange has no alternate exchange: it would get every
 * message at once, because the plugin answers "no route" for messages that it keeps.
 */
export function delayedParts(names: Names): [ExchangePart, BindingPart] {
  const delayed = exchange(delayedExchange(names), 'x-delayed-message', { 'x-delayed-type': 'fanout' })
  return [{ ...delayed, ifUnknown: IF_UNKNOWN }, exchangeBinding(names.deliver, delayed.name, '')]
}
