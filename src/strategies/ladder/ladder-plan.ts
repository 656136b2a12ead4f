import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import type { Frame } from '../../amqp/publish/frame-builder.js'
import type { PublishPlan } from '../../amqp/publish/publication.js'
import { destinationKey } from '../../amqp/topology/names.js'
import type { Clock } from '../../base/clock.js'
import type { PublishOptions } from '../../broker.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import type { LadderDeclarer } from './ladder-declarer.js'
import type { LadderNames } from './ladder-names.js'
import type { Pauses } from './pauses.js'
import { oddMsOf, sumsFor, waitRangeFor, type WaitRange } from './path.js'
import type { Route, Routes } from './routes.js'
import type { WarmUp } from './warm-up.js'

/** A started ladder. */
export interface OpenLadder {
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

/** A message may be so much later than asked, if it need not wait for yet another rung to be declared. */
const COLD_LATENESS_MS = 500
/** The same for the rungs that were declared for the message, as a share of the delay. */
const COLD_LATENESS = 0.001
/** After so many declarations a message takes the rungs of the last one, however late they make it by now. */
const MOST_DECLARATIONS = 3

/** Finds the rungs of one message. Keeps the ladder that was open, because the message may be sent after `stop`. */
export class LadderPlan implements PublishPlan {
  readonly #message: DelayedMessage
  readonly #ladder: OpenLadder
  readonly #options: PublishOptions
  readonly #turn: number
  #attempts = 0
  #declarations = 0
  /** The route of the last attempt, or the one that is being declared for the next. */
  #route: Route | undefined

  /** @param turn a number that counts messages, for the choice between shards */
  constructor(ladder: OpenLadder, message: DelayedMessage, options: PublishOptions, turn: number) {
    this.#message = message
    this.#ladder = ladder
    this.#options = options
    this.#turn = turn
  }

  prepare(): Frame | Promise<void> {
    const { broker, names, clock, pauses, lead } = this.#ladder
    const message = this.#message
    const isFirst = this.#attempts++ === 0
    const delayMs = readyAt(message) - clock.now()
    const range = this.#waitRangeFor(delayMs)
    // Only the first time: a message that has waited behind others, or is sent again, must not wait any longer.
    const oddMs = isFirst && lead === 0 ? oddMsOf(range) : 0
    const exact = this.#routeFor(oddMs > 0 ? this.#waitRangeFor(delayMs - oddMs) : range)
    const route = this.#isReady(exact) ? exact : (this.#roundedRoute(range) ?? this.#laterRoute(delayMs, isFirst))
    this.#route = route ?? exact
    if (!route) {
      this.#declarations++
      return declareAll(this.#ladder, message, exact, this.#options)
    }
    if (oddMs > 0 && route === exact) return pauses.take(oddMs)
    const [first] = route.queues
    const exchange = first ? names.entry(first.rung.unit) : broker.names.deliver
    return broker.frames.build(message, exchange, route.keys.concat(destinationKey(message.destination)))
  }

  safeAt(): number {
    return this.#ladder.broker.topology.safeAt(this.#message.destination, this.#route?.rungKeys ?? [])
  }

  #waitRangeFor(delayMs: number): WaitRange {
    return waitRangeFor(delayMs, this.#ladder.lead, this.#ladder.tolerance)
  }

  #routeFor(range: WaitRange): Route {
    return this.#ladder.routes.get(range, this.#turn, readyAt(this.#message) - this.#ladder.lead)
  }

  #isReady({ rungKeys }: Route): boolean {
    const { bind } = this.#options
    return this.#ladder.broker.topology.isReady(bind === false ? undefined : this.#message.destination, rungKeys)
  }

  /** A route within the tolerance on which nothing has to be declared. */
  #roundedRoute({ leastMs, toleranceMs }: WaitRange): Route | undefined {
    for (const sum of sumsFor(leastMs, toleranceMs)) {
      const route = this.#routeFor({ leastMs: sum, toleranceMs: 0 })
      if (this.#isReady(route)) return route
    }
    return undefined
  }

  /**
   * Declaring takes time. Then the rest of the delay needs other rungs, which must be declared too, and so on. After its
   * first declaration a message therefore takes the next longer route whose rungs are there.
   */
  #laterRoute(delayMs: number, isFirst: boolean): Route | undefined {
    const declared = this.#route
    if (isFirst) return undefined
    for (let late = 10; late <= COLD_LATENESS_MS; late += 10) {
      const route = this.#routeFor(this.#waitRangeFor(delayMs + late))
      if (this.#isReady(route)) return route
    }
    return declared && this.#staysGood(declared, delayMs) ? declared : undefined
  }

  /** Whether the route that was declared for the message is still good enough. */
  #staysGood(declared: Route, delayMs: number): boolean {
    const lateMs = declared.waitMs - this.#waitRangeFor(delayMs).leastMs
    if (lateMs < 0 || !this.#isReady(declared)) return false
    const isTired = this.#declarations >= MOST_DECLARATIONS
    return isTired || lateMs <= Math.max(COLD_LATENESS_MS, delayMs * COLD_LATENESS)
  }
}

async function declareAll(
  { broker: { topology }, declarer, warmUp }: OpenLadder,
  { destination }: DelayedMessage,
  route: Route,
  { declare, bind }: PublishOptions,
): Promise<void> {
  await (bind === false ? topology.base() : topology.destination(destination, declare))
  await declarer.exchanges()
  for (const { rung, variant } of route.queues) await declarer.rung(rung, variant)
  const missed = route.queues.filter((_, i) => declarer.isYoung(route.rungKeys[i]!))
  warmUp.missed(missed, route.queues.length)
}
