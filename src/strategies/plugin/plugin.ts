import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import { onRabbit } from '../../amqp/on-rabbit.js'
import { DestinationPlan } from '../../amqp/publish/destination-plan.js'
import type { Frame, FrameBuilder } from '../../amqp/publish/frame-builder.js'
import { destinationKey } from '../../amqp/topology/names.js'
import { checkOptions, type Rules } from '../../base/checks.js'
import type { Clock } from '../../base/clock.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { DuequeError } from '../../base/errors.js'
import { aJournal, type JournalOn, type JournalOption } from '../../journal/journal-options.js'
import type { Cancellations } from '../cancellations.js'
import type { RecurringDefinitions } from '../recurring-definitions.js'
import { Starts } from '../starts.js'
import type { Environment, Strategy } from '../strategy.js'
import { StreamLogs } from '../stream-logs.js'
import type { WaitingView } from '../waiting-view.js'
import { delayedExchange, delayedParts } from './delayed-exchange.js'

/** The plugin's longest delay: what an Erlang timer takes. It delivers a longer one at once. */
const MAX_DELAY_MS = 2 ** 32 - 1

/** The topology remembers the exchange by this key. */
const KEY = 'delayed'

/** How long to wait, in ms. The plugin hands it on as a negative number. */
const DELAY_HEADER = 'x-delay'

export type PluginOptions = JournalOption

const PLUGIN_RULES: Rules<PluginOptions> = { journal: aJournal }

/** A strategy whose waiting messages can be cancelled. */
export interface PluginStrategy extends Strategy {
  readonly cancellations: Cancellations
  readonly definitions: RecurringDefinitions
}

/** The plugin with a journal: its waiting messages can be seen. */
export interface JournalledPlugin extends PluginStrategy {
  readonly journal: WaitingView
}

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
export function plugin(options: PluginOptions & { journal: JournalOn }): JournalledPlugin
export function plugin(options?: PluginOptions): PluginStrategy
export function plugin(options: PluginOptions = {}): PluginStrategy {
  checkOptions(options, PLUGIN_RULES)
  let open: OpenPlugin | undefined
  const logs = new StreamLogs('plugin', options.journal)
  const starts = new Starts('plugin')

  return {
    name: 'plugin',
    ...logs.facets(),
    // The wait is counted from when the broker gets to a message.
    limits: { maxDelayMs: MAX_DELAY_MS, orderMs: 500, leadMs: 0 },

    async start({ broker: given, clock, logger, graceMs }: Environment) {
      const broker = onRabbit(given, 'plugin')
      await starts.during(ensureExchange(broker))
      logs.open({ broker, clock, logger, graceMs })
      open = { broker, exchange: delayedExchange(broker.names), clock }
    },

    schedule(message, wait) {
      if (!open) return Promise.reject(new DuequeError('CLOSED', 'the plugin strategy is not started', {}))
      const { broker, exchange, clock } = open
      const { topology, frames } = broker
      const refused = wait.items ? wait.items.map(refusal).find((one) => one) : refusal(message)
      if (refused) return Promise.reject(refused)
      const direct = new DestinationPlan(broker, message, wait)
      const plan = {
        prepare: () => {
          const declaring = direct.declaring() ?? (topology.has(KEY) ? undefined : ensureExchange(broker))
          if (declaring) return declaring
          const delayMs = readyAt(message) - clock.now()
          return delayMs > 0 ? delayed(frames, message, delayMs, exchange) : direct.frame()
        },
        safeAt: () => direct.safeAt(),
      }
      return logs.publish(broker, message, plan, wait)
    },

    async stop() {
      starts.stop()
      open = undefined
      await logs.close()
    },
  }
}

/** A started strategy. */
interface OpenPlugin {
  broker: AmqpBroker
  /** The exchange in which messages wait. */
  exchange: string
  clock: Clock
}

/** A consumed message that is sent on may have the plugin's own header. A new message must not: the plugin would change it. */
function refusal({ headers, properties }: DelayedMessage): DuequeError | undefined {
  if (properties !== undefined || headers[DELAY_HEADER] === undefined) return undefined
  const message = `headers: ${DELAY_HEADER} is kept for the delayed-message plugin`
  return new DuequeError('RESERVED_NAME', message, { name: DELAY_HEADER })
}

/**
 * Not `mandatory`: the plugin answers "no route" for messages that it keeps, so they would come back. RabbitMQ still reports
 * a missing exchange.
 *
 * @throws DuequeError `DELAY_OUT_OF_RANGE`
 */
function delayed(frames: FrameBuilder, message: DelayedMessage, delayMs: number, exchange: string): Frame {
  if (delayMs > MAX_DELAY_MS) {
    throw new DuequeError('DELAY_OUT_OF_RANGE', `due in ${delayMs} ms`, { delayMs, maxDelayMs: MAX_DELAY_MS })
  }
  const headers = { ...message.headers, [DELAY_HEADER]: Math.ceil(delayMs) }
  const frame = frames.build({ ...message, headers }, exchange, [destinationKey(message.destination)])
  return { ...frame, options: { ...frame.options, mandatory: false } }
}

/** @throws DuequeError `UNSUPPORTED` on a broker without the plugin */
function ensureExchange({ topology, names }: AmqpBroker): Promise<void> {
  return topology.ensure(KEY, delayedParts(names), { again: true, command: 'dueque topology apply --plugin' })
}
