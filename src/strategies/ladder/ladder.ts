import { onRabbit } from '../../amqp/on-rabbit.js'
import type { QueueType } from '../../amqp/topology/names.js'
import { aFunction, checkOptions, integer, oneOf, type Rules } from '../../base/checks.js'
import { DuequeError } from '../../base/errors.js'
import { MAX_DELAY_MS } from '../../message/due.js'
import { aJournal, type JournalOn, type JournalOption } from '../../journal/journal-options.js'
import type { Cancellations } from '../cancellations.js'
import type { RecurringDefinitions } from '../recurring-definitions.js'
import { Starts } from '../starts.js'
import type { Environment, Strategy } from '../strategy.js'
import { StreamLogs } from '../stream-logs.js'
import type { WaitingView } from '../waiting-view.js'
import { LadderDeclarer } from './ladder-declarer.js'
import { LadderNames } from './ladder-names.js'
import { LadderPlan, type OpenLadder } from './ladder-plan.js'
import { Pauses } from './pauses.js'
import { cheapStepOf, defaultTolerance, longestLead, stepOf } from './path.js'
import { Routes } from './routes.js'
import { WarmUp } from './warm-up.js'

export interface LadderOptions extends JournalOption {
  /**
   * The type of the wait queues. `classic` is faster and flat in memory, but a crash of the broker loses messages that are
   * on their way from one queue to the next (docs/operations/crashes.md has the measurement).
   * @default that of `connect`, which is 'quorum'
   */
  queueType?: QueueType | undefined
  /**
   * How many queues share the load of each rung, 1 to 64. One quorum queue hands over about 7,000 messages/s. The shards of rungs
   * of a minute or more take turns, half of them at a time: from RabbitMQ 4.3 on, use 2 if 100,000 messages or more wait on
   * one rung while others are scheduled. The count may change at any time.
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
   * earlier still: the broker needs time of its own, and with a lead the smallest rung is 100 ms. It ends later, down to
   * 50 ms before due, if the tolerance saves a rung. From 1,000 on, no rungs below a second are used, and the wait ends by
   * the lead, or 1,050 ms, before due at the earliest, and up to 999 ms later. Consumers other than dueque's get messages
   * early. A consumer's `prefetch` must be more than the number of messages that arrive within the lead and 124 ms.
   * @default 0
   */
  lead?: number | undefined
}

/** A strategy whose waiting messages can be cancelled. */
export interface LadderStrategy extends Strategy {
  readonly cancellations: Cancellations
  readonly definitions: RecurringDefinitions
}

/** A ladder whose waiting messages can be seen. */
export interface JournalledLadder extends LadderStrategy {
  readonly journal: WaitingView
}

/**
 * Messages wait in RabbitMQ itself, in queues with one fixed TTL each, from which they are dead-lettered to the next and at
 * last to their destination. Needs RabbitMQ ≥ 3.10.2 and nothing else.
 *
 * Guarantee: once confirmed, a message survives the loss of nodes as a quorum queue does, and arrives at least once, never
 * early. It is late by the broker's own delay, and by {@link LadderOptions.tolerance} if that saves a queue. The smallest
 * queue waits 10 ms; a message waits the odd milliseconds of its delay in this process before it is sent, so a confirm may
 * take up to 9 ms longer. With a {@link LadderOptions.lead} a message is in its queue before it is due, and "never early" is
 * the promise of dueque's consumers.
 */
export function ladder(options: LadderOptions & { journal: JournalOn }): JournalledLadder
export function ladder(options?: LadderOptions): LadderStrategy
export function ladder(options: LadderOptions = {}): LadderStrategy {
  checkOptions(options, LADDER_RULES)
  const { queueType, shards = 1, tolerance = defaultTolerance, lead = 0 } = options
  let open: OpenLadder | undefined
  const logs = new StreamLogs('ladder', options.journal)
  const starts = new Starts('ladder')
  let turn = 0

  return {
    name: 'ladder',
    ...logs.facets(),
    // Two roundings of up to 1 s each way, and the broker's own delay.
    limits: { maxDelayMs: MAX_DELAY_MS, orderMs: 1500, leadMs: longestLead(lead), stepMs: cheapStepOf(lead) },

    async start({ broker: given, clock, logger, graceMs }: Environment) {
      const broker = onRabbit(given, 'ladder')
      const declarer = new LadderDeclarer(broker, broker.topology, logger)
      await starts.during(declarer.exchanges())
      const routes = new Routes(queueType ?? broker.topology.queueType, shards)
      const warmUp = new WarmUp(declarer, logger, stepOf(lead))
      const names = new LadderNames(broker.names)
      logs.open({ broker, clock, logger, graceMs })
      open = { broker, names, declarer, clock, tolerance, lead, routes, pauses: new Pauses(), warmUp }
    },

    schedule(message, options) {
      if (!open) return Promise.reject(new DuequeError('CLOSED', 'the ladder is not started', {}))
      const plan = new LadderPlan(open, message, options, turn++)
      return logs.publish(open.broker, message, plan, options)
    },

    async repair() {
      await open?.declarer.repair()
    },

    async stop() {
      starts.stop()
      open?.warmUp.stop()
      open = undefined
      await logs.close()
    },
  }
}

const LADDER_RULES: Rules<LadderOptions> = {
  queueType: oneOf('quorum', 'classic'),
  shards: integer(1, 64),
  tolerance: aFunction,
  lead: integer(0, 10_000),
  journal: aJournal,
}
