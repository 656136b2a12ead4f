import type { Broker } from '../broker.js'
import { DuequeError, invalidOption } from '../base/errors.js'
import type { AmqpBroker } from './amqp-broker.js'
import { AMQP_BROKER, CONTRACT } from './brand.js'

/**
 * The broker as RabbitMQ, for a strategy that needs it; also of another copy of dueque.
 *
 * @throws DuequeError `INVALID_OPTION` for any other broker
 */
export function onRabbit(broker: Broker, strategy: string): AmqpBroker {
  if (isRabbit(broker)) return broker
  if (!(AMQP_BROKER in broker)) throw invalidOption('strategy', `${strategy} on RabbitMQ`, 'another broker')
  const message = `strategy: ${strategy} and connect are of different versions of dueque, which do not fit: install one`
  throw new DuequeError('INVALID_OPTION', message, { option: 'strategy' })
}

function isRabbit(broker: Broker): broker is AmqpBroker {
  return (broker as { [AMQP_BROKER]?: number })[AMQP_BROKER] === CONTRACT
}
