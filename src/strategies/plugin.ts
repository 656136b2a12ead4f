import type { AmqpBroker } from '../amqp/amqp-broker.js'
import { onRabbit } from '../amqp/brand.js'
import { frameFor, type Frame } from '../amqp/publish/frame.js'
import { destinationKey } from '../amqp/topology/names.js'
import type { Clock } from '../base/clock.js'
import type { Destination } from '../message/destination.js'
import { readyAt, type DelayedMessage } from '../message/envelope.js'
import { DuequeError, invalidOption } from '../base/errors.js'
import type { Environment, Strategy } from './strategy.js'

/** The plugin's longest delay: what an Erlang timer takes. It delivers a longer one at once. */
const MAX_DELAY_MS = 2 ** 32 - 1

/** How long to wait, in ms. The plugin hands it on as a negative number. */
const DELAY_HEADER = 'x-delay'

/**
 * Messages wait in RabbitMQ's delayed-message plugin (`rabbitmq_delayed_message_exchange`), which must be enabled on every
 * node and exists for RabbitMQ up to 4.2: it cannot run on 4.3. For brokers that have it anyway; `ladder` needs none.
 *
 * Guarantee, weaker than the ladder's: a message waits **on one node, unreplicated**, in Mnesia. It survives a restart of
 * that node, mostly: of 20,000 waiting ones 16 were lost when one node of 3.10.8 was killed with -9 right after the last
 * confirm. It is lost with the node, or with the plugin when that is disabled. Otherwise it arrives once, never early, and
 * is parked if its destination is gone. Delays are exact to the millisecond, and up to 4,294,967,295 ms (49.7 days).
 * Consumers see a header `x-delay`, the delay as a negative number; one of the user's own is refused (`RESERVED_NAME`).
 *
 * Where `connect` finds no plugin it fails with `UNSUPPORTED`. With `topology: 'trust'` it does not look, and the exchange
 * must be there: `dueque topology apply --plugin`.
 *
 * @example
 * const mq = await connect({ url: 'amqp://localhost', strategy: plugin() })
 */
export function plugin(): Strategy {
  let started: Started | undefined

  return {
    name: 'plugin',
    // The wait is counted from when the broker gets to a message.
    limits: { maxDelayMs: MAX_DELAY_MS, resolutionMs: 1, orderMs: 500, leadMs: 0 },

    async start({ broker: given, clock }: Environment) {
      const broker = onRabbit(given, 'plugin')
      if (started) throw invalidOption('strategy', 'a plugin() of its own for each connection', 'one that is in use')
      await broker.topology.delayed()
      started = { broker, clock }
    },

    schedule(message, { declare, bind = true, signal, timeoutMs }) {
      if (!started) return Promise.reject(new DuequeError('CLOSED', 'the plugin strategy is not started', {}))
      const { broker, clock } = started
      const { topology, names } = broker
      const { destination } = message
      const refused = refusal(message)
      if (refused) return Promise.reject(refused)
      let epoch = 0
      const publication = {
        message,
        prepare: () => {
          epoch = topology.epoch
          if (!topology.hasDelayed || !topology.isReady(bind ? destination : undefined, []))
            return declareAll(broker, bind ? destination : undefined, declare)
          const delayMs = readyAt(message) - clock.now()
          if (delayMs > 0) return delayed(message, delayMs, names.delayed)
          return frameFor(message, names.deliver, [destinationKey(destination)])
        },
        returned: (exchange: string) => topology.returned(exchange, epoch),
        safeAt: () => topology.safeAt(destination, []),
        timeoutMs,
      }
      return broker.publish(publication, signal)
    },

    stop() {
      started = undefined
      return Promise.resolve()
    },
  }
}

interface Started {
  broker: AmqpBroker
  clock: Clock
}

/** What was consumed and is sent on may have the plugin's own header; a new message must not have one that is not kept. */
function refusal({ headers, properties }: DelayedMessage): DuequeError | undefined {
  if (properties !== undefined || headers[DELAY_HEADER] === undefined) return undefined
  const message = `headers: ${DELAY_HEADER} is kept for the delayed-message plugin`
  return new DuequeError('RESERVED_NAME', message, { name: DELAY_HEADER })
}

/**
 * Not `mandatory`: the plugin says "no route" of what it keeps, and it would come back. That the exchange is missing, the
 * broker says all the same.
 *
 * @throws DuequeError `DELAY_OUT_OF_RANGE`
 */
function delayed(message: DelayedMessage, delayMs: number, exchange: string): Frame {
  if (delayMs > MAX_DELAY_MS) {
    throw new DuequeError('DELAY_OUT_OF_RANGE', `due in ${delayMs} ms`, { delayMs, maxDelayMs: MAX_DELAY_MS })
  }
  const headers = { ...message.headers, [DELAY_HEADER]: Math.ceil(delayMs) }
  const frame = frameFor({ ...message, headers }, exchange, [destinationKey(message.destination)])
  return { ...frame, options: { ...frame.options, mandatory: false } }
}

async function declareAll({ topology }: AmqpBroker, destination: Destination | undefined, declare: boolean) {
  await (destination ? topology.destination(destination, declare) : topology.base())
  await topology.delayed()
}
