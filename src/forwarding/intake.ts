import { AmqpBroker } from '../amqp/amqp-broker.js'
import { UnroutableForwarder } from './unroutable.js'
import { aFunction, checkOne, checkOptions, integer, nonEmptyText, type Rule, type Rules } from '../base/checks.js'
import type { Arrival } from '../broker.js'
import { deathOf } from '../message/death.js'
import { checkDestination, checkQueueName } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { errorText, isForEver, type DuequeError } from '../base/errors.js'
import { CONNECT_RULES, resolveConnection, type ConnectOptions, type ResolvedOptions } from '../options.js'
import type { Decision, Route } from './forward.js'
import { Forwarder } from './forwarder.js'
import { dueExchange, duePart, entryParts, intakeQueue, type Way } from './intake-parts.js'
import { messageOf } from './plugin-form.js'
import { openSession, type Session } from '../session.js'
import { quietEvents } from '../amqp/connection/quiet-events.js'

export interface IntakeOptions extends Omit<ConnectOptions, 'telemetry'> {
  /** The exchange that producers publish to. It is declared, and must not be there with another type than fanout. */
  from: string
  /** The exchange that gets due messages, with the consumers' bindings. @default `<from>.due` */
  to?: string | undefined
  /** Declares the exchange `to` with this type if it is missing, as `direct` or `topic`. @default it must be there */
  type?: string | undefined
  /** Messages that are taken at a time. @default 500 */
  prefetch?: number | undefined
  /** Errors of the connection, which is tried again all the same. */
  onError?: ((error: DuequeError) => void) | undefined
}

const anExchange: Rule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'the name of an exchange')

const { telemetry: _, ...CONNECTION_RULES } = CONNECT_RULES

const INTAKE_RULES: Rules<IntakeOptions> = {
  ...CONNECTION_RULES,
  from: anExchange,
  to: anExchange,
  type: nonEmptyText,
  prefetch: integer(1, 65_535),
  onError: aFunction,
}

/** Counts since the start. */
export interface IntakeStats {
  /** Messages that wait now, or have waited. */
  scheduled: number
  /** Messages among them without a delay. */
  atOnce: number
  /** Messages in the dead queue of the intake's queue. */
  dead: number
}

/** A running intake. Made by {@link startIntake}. */
export interface Intake extends AsyncDisposable {
  stats(): IntakeStats
  /** Finishes what it has taken, gives the rest back, and closes the connections. Idempotent. */
  close(): Promise<void>
}

/**
 * Takes messages in the form of RabbitMQ's delayed-message plugin, the header `x-delay` in milliseconds, from whatever
 * language, and schedules them with dueque: so that producers can leave the plugin as they are. docs/recipes/leaving-the-plugin.md
 * has the procedure.
 *
 * Guarantee: a message is acked when its waiting copy is confirmed, so none is lost; one may be scheduled twice when the
 * process or a connection ends in between. dueque's consumers suppress the second if the producer had set a `message_id`.
 * The delay counts from when the intake gets to a message: run two of them. A message with an `x-delay` that no strategy can
 * wait for goes to the dead queue `<from>.intake.dead`, and is never delivered.
 *
 * @throws DuequeError as `connect` does; `DESTINATION_MISSING` without the exchange `to`; `TOPOLOGY_MISMATCH` as long as
 * `from` is an exchange of the plugin
 * @example
 * const intake = await startIntake({ url: 'amqp://localhost', from: 'reminders', type: 'topic' })
 */
export async function startIntake(options: IntakeOptions): Promise<Intake> {
  checkOptions(options, INTAKE_RULES)
  const { from, to = dueExchange(from), type, prefetch = 500, onError = () => undefined } = options
  // The rules allow it to be missing.
  checkOne('from', anExchange, from)
  checkDestination({ exchange: to })
  checkQueueName('from', intakeQueue(from))
  const resolved = resolveConnection(options)
  const intake = new RunningIntake(resolved, { entry: from, due: to }, onError)
  try {
    await intake.start(type, prefetch)
    return intake
  } catch (error) {
    await intake.close()
    throw error
  }
}

class RunningIntake implements Intake {
  readonly #options: ResolvedOptions
  readonly #way: Way
  readonly #queue: string
  readonly #broker: AmqpBroker
  readonly #onError: (error: DuequeError) => void
  readonly #forwarder: Forwarder
  readonly #stats = { scheduled: 0, atOnce: 0, dead: 0 }
  readonly #unroutable: UnroutableForwarder
  #session: Session | undefined
  #closing: Promise<void> | undefined

  constructor(options: ResolvedOptions, way: Way, onError: (error: DuequeError) => void) {
    this.#options = options
    this.#way = way
    this.#queue = intakeQueue(way.entry)
    this.#onError = onError
    this.#broker = new AmqpBroker(options, quietEvents({ error: onError }))
    const { strategy, clock, logger } = options
    this.#unroutable = new UnroutableForwarder(this.#broker, { strategy, clock, logger })
    this.#forwarder = new Forwarder({
      clock: options.clock,
      route: (arrival) => this.#route(arrival),
      closeMs: options.publishTimeoutMs,
    })
  }

  async start(type: string | undefined, prefetch: number): Promise<void> {
    const { entry, due } = this.#way
    const { names, topology } = this.#broker
    this.#session = await openSession(this.#broker, this.#options, { onError: this.#onError })
    for (const exchange of [entry, due]) await topology.assertUsers({ exchange })
    await this.#unroutable.start()
    const duePlan = type === undefined ? [] : [duePart(names, due, type)]
    await topology.ensure(`due exchange ${due}`, duePlan)
    // Before anything is taken.
    await topology.destination({ exchange: due }, false)
    const beside = [...duePlan, ...entryParts(names, entry)]
    await this.#forwarder.start((listener) =>
      this.#broker.subscribe({ queue: this.#queue }, { prefetch, declare: true }, listener, { beside }),
    )
  }

  stats(): IntakeStats {
    return { ...this.#stats }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#forwarder.close()
    await this.#unroutable.close()
    await this.#session?.close()
  }

  #route(arrival: Arrival): Route {
    const { clock, strategy, logger } = this.#options
    const now = clock.now()
    const bury = (why: string): Decision => ({ kind: 'bury', publish: () => this.#bury(arrival, why) })
    return {
      decide: () => {
        const message = messageOf(arrival, this.#way.due, now, strategy.limits.maxDelayMs)
        if ('problem' in message) return bury(message.problem)
        return { kind: 'forward', publish: () => this.#schedule(message, now) }
      },
      failed: (error, decision) => {
        if (decision?.kind === 'forward' && isForEver(error))
          // One that the broker took back comes again: buried here as well, it would be there twice.
          return arrival.live ? bury(error.message) : { kind: 'give back' }
        logger.warn('could not schedule a message', { queue: this.#queue, error: errorText(error) })
        return undefined
      },
    }
  }

  async #schedule(message: DelayedMessage, now: number): Promise<void> {
    await this.#options.strategy.schedule(message, { declare: false })
    this.#stats.scheduled++
    if (message.dueAt <= now) this.#stats.atOnce++
  }

  async #bury(arrival: Arrival, why: string): Promise<void> {
    const { clock, logger } = this.#options
    await this.#broker.bury(this.#queue, arrival, deathOf('invalid-due', why, clock.now()))
    this.#stats.dead++
    logger.warn('message given up', { queue: this.#queue, id: arrival.properties['messageId'], error: why })
  }
}
