import { AmqpBroker } from '../amqp/amqp-broker.js'
import { assertSendable } from '../amqp/topology/declare-rules.js'
import { Names } from '../amqp/topology/names.js'
import type { Broker } from '../broker.js'
import type { Destination } from '../message/destination.js'
import type { ResolvedOptions } from '../options.js'
import type { BulkRuns } from '../schedule/bulk-runs.js'
import type { Scheduler } from '../schedule/scheduler.js'
import { MemoryBroker } from '../strategies/memory/memory-broker.js'
import { NoTickerWarning } from './no-ticker-warning.js'
import type { Recurring, RecurringMethods } from './recurring.js'
import { recurringMethods } from './recurring-methods.js'
import type { RecurringParts } from './recurring-parts.js'
import { SET_RUN, setSummary, setWork } from './set-all.js'
import { tickBroker, type TickBroker } from './tick-broker.js'
import type { TickerWatch } from './ticker-watch.js'

interface ConnectionParts {
  readonly broker: Broker
  readonly scheduler: Pick<Scheduler, 'scheduleCopy'>
  readonly bulk: BulkRuns
  /** Of this process, if it has one. */
  readonly ticker: Pick<TickerWatch, 'declared'> | undefined
  /** Guards methods, which reject once the connection is closed. */
  readonly whileOpen: <M extends object>(methods: M) => M
}

/** The methods of one connection for recurring messages; nothing with a strategy that does not keep their definitions. */
export function openRecurring(options: ResolvedOptions, parts: ConnectionParts): RecurringMethods | undefined {
  const { strategy, clock, logger, namespace, topology } = options
  const { broker, scheduler, bulk, whileOpen } = parts
  const ticks = tickBroker(broker, new Names(namespace).prefix, logger)
  if (!strategy.definitions || !ticks) return undefined
  const methods = recurringMethods({
    strategy: strategy as RecurringParts['strategy'],
    queue: ticks.queue,
    now: () => clock.now(),
    logger,
    async destination(to, declare) {
      assertSendable(to, declare, { namespace, topology })
      await find(broker, to, declare)
    },
    openTicks: opensTicks(ticks, parts, options),
    send: (message) => scheduler.scheduleCopy(message, { ...message, ready: () => Promise.resolve() }),
    unfinished: new Map(),
  })
  const guarded = whileOpen(methods)
  const recurring: Recurring = {
    ...guarded,
    setAll: (items) => bulk.runOf(items, setWork(guarded.set), { ...SET_RUN, summarize: setSummary }),
  }
  return { recurring }
}

/** @throws DuequeError `DESTINATION_MISSING`, … */
async function find(broker: Broker, to: Destination, declare: boolean): Promise<void> {
  if (broker instanceof MemoryBroker) broker.ensure(to, declare)
  if (!(broker instanceof AmqpBroker) || broker.topology.isReady(to, [])) return
  await broker.topology.destination(to, declare)
}

/** Declares the queue of ticks, for each call that may need it. */
function opensTicks(
  ticks: TickBroker,
  { broker, ticker }: ConnectionParts,
  { logger }: ResolvedOptions,
): RecurringParts['openTicks'] {
  const tickers = async () =>
    broker instanceof AmqpBroker ? (await broker.topology.declarer.counts(ticks.queue))?.consumerCount : undefined
  const warning = new NoTickerWarning(tickers, logger)
  let isTold = false
  return async () => {
    await ticks.declare()
    if (isTold) return
    isTold = true
    ticker?.declared()
    warning.lookLater()
  }
}
