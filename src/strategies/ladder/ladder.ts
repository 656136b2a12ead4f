import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import { onRabbit } from '../../amqp/on-rabbit.js'
import type { Frame } from '../../amqp/publish/frame-builder.js'
import { destinationKey, type QueueType } from '../../amqp/topology/names.js'
import type { PublishPlan } from '../../amqp/publish/publication.js'
import type { PublishOptions } from '../../broker.js'
import { aFunction, checkOptions, integer, oneOf, type Rules } from '../../base/checks.js'
import type { Clock } from '../../base/clock.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { DuequeError, invalidOption } from '../../base/errors.js'
import type { Environment, Strategy } from '../strategy.js'
import { LadderDeclarer } from './ladder-declarer.js'
import { LadderNames } from './ladder-names.js'
import { Pauses } from './pauses.js'
import { defaultTolerance, longestLead, sliverOf, stepOf, sumsFor, windowFor, type Window } from './path.js'
import { Routes, type Route } from './routes.js'
import { MAX_DELAY_MS } from '../../message/due.js'
import { WarmUp } from './warm-up.js'

export interface LadderOptions {
  /**
   * The type of the wait queues. `classic` is faster and flat in memory, but a crash of the broker loses messages that are
   * on their way from one queue to the next (docs/operations.md has the measurement).
   * @default that of `connect`, which is 'quorum'
   */
  queueType?: QueueType | undefined
  /**
   * How many queues share the load of each rung, 1 to 64. One quorum queue hands over about 7,000 messages/s. The count may
   * change at any time.
   * @default 1
   */
  shards?: number | undefined
  /**
   * How much longer than asked a message may wait so that it takes fewer hops, in ms for a delay in ms.
   * @default 0.1 % of the delay, at least 10 ms, at most 1 s
   */
  tolerance?: ((delayMs: number) => number) | undefined
  /**
   * How much earlier than due the broker hands a message over, 0 to 10,000 milliseconds; dueque's consumer holds it until
   * the due instant. 25 or more take the broker's own delay and all rounding out of the lateness. The wait ends 25 to 124 ms
   * earlier still, for what the broker takes itself and since with a lead the smallest rung is 100 ms; and later, down to
   * 50 ms before due, where the tolerance saves a rung. From 1,000 on, no rungs below a second are used, and it ends by the
   * lead, or 1,050 ms, before due at the earliest, and up to 999 ms later. Consumers other than dueque's get messages early.
   * A consumer's `prefetch` must be more than what arrives within the lead and 124 ms.
   * @default 0
   */
  lead?: number | undefined
}

/**
 * Messages wait in RabbitMQ itself, in queues with one fixed TTL each, from which they are dead-lettered to the next and at
 * last to their destination. Needs RabbitMQ ≥ 3.10.2 and nothing else.
 *
 * Guarantee: once confirmed, a message survives the loss of nodes as a quorum queue does, and arrives at least once, never
 * early, late by {@link LadderOptions.tolerance} where that saves a queue, and by the broker's own delay. What a delay has
 * over a multiple of 10 ms, the smallest queue, it waits in this process before it is sent: so a confirm may take up to
 * 9 ms longer. With a {@link LadderOptions.lead} it is in its queue before it is due, and "never early" is the promise of
 * dueque's consumers.
 */
export function ladder(options: LadderOptions = {}): Strategy {
  checkOptions(options, LADDER_RULES)
  const { queueType, shards = 1, tolerance = defaultTolerance, lead = 0 } = options
  let started: Started | undefined
  let turn = 0

  return {
    name: 'ladder',
    // Two roundings of up to 1 s each way, and the broker's own delay.
    limits: { maxDelayMs: MAX_DELAY_MS, orderMs: 1500, leadMs: longestLead(lead) },

    async start({ broker: given, clock, logger }: Environment) {
      const broker = onRabbit(given, 'ladder')
      if (started) throw invalidOption('strategy', 'a ladder of its own for each connection', 'one that is in use')
      const declarer = new LadderDeclarer(broker, broker.topology, logger)
      await declarer.exchanges()
      const routes = new Routes(queueType ?? broker.topology.queueType)
      const warmUp = new WarmUp(declarer, logger, stepOf(lead))
      const names = new LadderNames(broker.names)
      started = { broker, names, declarer, clock, tolerance, lead, routes, pauses: new Pauses(), warmUp }
    },

    schedule(message, options) {
      if (!started) return Promise.reject(new DuequeError('CLOSED', 'the ladder is not started', {}))
      const shard = turn++ % shards
      return started.broker.publish(message, new LadderPlan(started, message, options, shard), options)
    },

    async repair() {
      await started?.declarer.repair()
    },

    stop() {
      started?.warmUp.stop()
      started = undefined
      return Promise.resolve()
    },
  }
}

const LADDER_RULES: Rules<LadderOptions> = {
  queueType: oneOf('quorum', 'classic'),
  shards: integer(1, 64),
  tolerance: aFunction,
  lead: integer(0, 10_000),
}

interface Started {
  tolerance: (delayMs: number) => number
  lead: number
  broker: AmqpBroker
  names: LadderNames
  declarer: LadderDeclarer
  clock: Clock
  routes: Routes
  pauses: Pauses
  warmUp: WarmUp
}

/** How much later than asked a message may be rather than wait for yet another rung to be declared. */
const COLD_LATENESS_MS = 500
/** The same for the rungs that were declared for it, as a share of the delay. */
const COLD_LATENESS = 0.001
/** So often a message has rungs declared; then it takes those of the last time, however late they make it by now. */
const MOST_DECLARATIONS = 3

/** Finds the way of one message onto the ladder. Keeps what was started, because the message may be sent after `stop`. */
class LadderPlan implements PublishPlan {
  readonly #message: DelayedMessage
  readonly #on: Started
  readonly #options: PublishOptions
  readonly #shard: number
  #attempts = 0
  #declarations = 0
  /** Of the last attempt, or what is declared for the next. */
  #route: Route | undefined

  constructor(on: Started, message: DelayedMessage, options: PublishOptions, shard: number) {
    this.#message = message
    this.#on = on
    this.#options = options
    this.#shard = shard
  }

  prepare(): Frame | Promise<void> {
    const { broker, names, clock, pauses, lead } = this.#on
    const message = this.#message
    const isFirst = this.#attempts++ === 0
    const delayMs = readyAt(message) - clock.now()
    const window = this.#windowFor(delayMs)
    // Once: what is behind others by then, or comes again, is not to wait any longer.
    const sliverMs = isFirst && lead === 0 ? sliverOf(window) : 0
    const exact = this.#routeFor(sliverMs > 0 ? this.#windowFor(delayMs - sliverMs) : window)
    const route = this.#isReady(exact) ? exact : (this.#roundedRoute(window) ?? this.#laterRoute(delayMs, isFirst))
    this.#route = route ?? exact
    if (!route) {
      this.#declarations++
      return declareAll(this.#on, message, exact, this.#options)
    }
    if (sliverMs > 0 && route === exact) return pauses.take(sliverMs)
    const [first] = route.rungs
    const exchange = first ? names.entry(first.unit) : broker.names.deliver
    return broker.frames.build(message, exchange, route.keys.concat(destinationKey(message.destination)))
  }

  safeAt(): number {
    return this.#on.broker.topology.safeAt(this.#message.destination, this.#route?.rungKeys ?? [])
  }

  #windowFor(delayMs: number): Window {
    return windowFor(delayMs, this.#on.lead, this.#on.tolerance)
  }

  #routeFor(window: Window): Route {
    return this.#on.routes.get(window, this.#shard)
  }

  #isReady({ rungKeys }: Route): boolean {
    const { bind } = this.#options
    return this.#on.broker.topology.isReady(bind === false ? undefined : this.#message.destination, rungKeys)
  }

  /** A way that the tolerance allows as well, where nothing has to be declared. */
  #roundedRoute({ leastMs, toleranceMs }: Window): Route | undefined {
    for (const sum of sumsFor(leastMs, toleranceMs)) {
      const route = this.#routeFor({ leastMs: sum, toleranceMs: 0 })
      if (this.#isReady(route)) return route
    }
    return undefined
  }

  /**
   * Declaring takes time, after which the delay that is left wants other rungs, which are to be declared, and so on. Once a
   * message has waited for that, it takes the next path up whose rungs are there.
   */
  #laterRoute(delayMs: number, isFirst: boolean): Route | undefined {
    const declared = this.#route
    if (isFirst) return undefined
    for (let late = 10; late <= COLD_LATENESS_MS; late += 10) {
      const route = this.#routeFor(this.#windowFor(delayMs + late))
      if (this.#isReady(route)) return route
    }
    return declared && this.#staysGood(declared, delayMs) ? declared : undefined
  }

  /** Whether what was declared for the message will still do. */
  #staysGood(declared: Route, delayMs: number): boolean {
    const lateMs = declared.waitMs - this.#windowFor(delayMs).leastMs
    if (lateMs < 0 || !this.#isReady(declared)) return false
    const isTired = this.#declarations >= MOST_DECLARATIONS
    return isTired || lateMs <= Math.max(COLD_LATENESS_MS, delayMs * COLD_LATENESS)
  }
}

async function declareAll(
  { broker: { topology }, declarer, warmUp }: Started,
  { destination }: DelayedMessage,
  route: Route,
  { declare, bind }: PublishOptions,
): Promise<void> {
  await (bind === false ? topology.base() : topology.destination(destination, declare))
  await declarer.exchanges()
  for (const rung of route.rungs) await declarer.rung(rung, route.variant)
  const missed = route.rungs.filter((_, i) => declarer.isYoung(route.rungKeys[i]!))
  if (missed.length > 0) warmUp.missed(missed, route)
}
