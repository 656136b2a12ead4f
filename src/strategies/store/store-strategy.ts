import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import { onRabbit } from '../../amqp/on-rabbit.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { aborted, DuequeError } from '../../base/errors.js'
import { Relay, type RelayStats } from './relay.js'
import { resolveRelay, type RelayOptions } from './relay-options.js'
import type { MessageStore } from './message-store.js'
import { definitionsFacet } from '../definitions/definitions-facet.js'
import { Starts } from '../starts.js'
import type { RecurringDefinitions } from '../recurring-definitions.js'
import type { Environment, Strategy, WaitOptions } from '../strategy.js'
import type { Waitlist } from '../waitlist.js'

export interface StoreStrategyOptions {
  /**
   * Moves due messages from the store into RabbitMQ, in this process. `false` leaves that to `dueque relay`, or to other
   * processes with a relay. At least one relay has to run.
   * @default {}
   */
  relay?: RelayOptions | false | undefined
}

/** A strategy whose store can be queried for waiting messages. */
export interface StoreStrategy extends Strategy {
  readonly waitlist: Waitlist
  readonly definitions: RecurringDefinitions
  /** Counts of this process's own relay since its start, if it has one. */
  relayStats(): RelayStats | undefined
}

/** The strategy of a store: what is not due is added to it, and a relay takes it out again. */
export function storeStrategy(store: MessageStore, { relay: relayOptions = {} }: StoreStrategyOptions): StoreStrategy {
  if (relayOptions !== false) resolveRelay(relayOptions)
  let started: Running | undefined
  const starts = new Starts(store.name)
  let stats: (() => RelayStats | undefined) | undefined

  return {
    name: store.name,
    limits: store.limits,
    waitlist: store,
    definitions: definitionsFacet(store.name, () => started && store.definitions),
    ...(store.checkTransaction && { checkTransaction: (transaction: never) => store.checkTransaction?.(transaction) }),

    async start(environment) {
      const isOver = starts.begin()
      const running = await start(store, environment, relayOptions)
      if (isOver()) {
        await running.unwatch?.()
        throw starts.stopped()
      }
      started = running
      stats = () => running.relay?.stats()
      running.relay?.start()
    },

    schedule(message, options) {
      if (!started) return Promise.reject(new DuequeError('CLOSED', `${store.name} is not started`, {}))
      return schedule(store, started, message, options)
    },

    storeHealth: () => store.health(),
    storeFaults: () => store.faults(),
    relayStats: () => stats?.(),

    async stop() {
      const { relay, unwatch } = started ?? {}
      started = undefined
      starts.stop()
      await relay?.stop()
      await unwatch?.()
      await store.close()
    },
  }
}

/** A strategy that was started. */
interface Running {
  broker: AmqpBroker
  clock: Environment['clock']
  relay: Relay | undefined
  unwatch: (() => Promise<void>) | undefined
}

async function start(
  store: MessageStore,
  { broker: given, clock, logger, onError }: Environment,
  relayOptions: RelayOptions | false,
): Promise<Running> {
  const broker = onRabbit(given, store.name)
  await broker.topology.base()
  await store.open({ logger, onError })
  const relay = relayOptions ? new Relay(store, { broker, clock, logger, onError }, relayOptions) : undefined
  const unwatch = relay && (await store.watch?.((at) => relay.wake(at)))
  return { broker, clock, relay, unwatch }
}

async function schedule(
  store: MessageStore,
  { broker, clock, relay }: Running,
  message: DelayedMessage,
  options: WaitOptions,
): Promise<DelayedMessage | void> {
  const { onConflict, transaction, declare, bind, signal, holdMs } = options
  const isPlain = onConflict === undefined && transaction === undefined
  if (isPlain && readyAt(message) <= clock.now()) return broker.deliver(message, options)
  const tooLarge = broker.tooLarge(message.body)
  if (tooLarge) throw tooLarge
  if (bind !== false && !broker.topology.isReady(message.destination, []))
    await broker.topology.destination(message.destination, declare)
  if (signal?.aborted) throw aborted(signal)
  const instead = await store.add(message, { onConflict, transaction, holdMs })
  // What a transaction holds back cannot be claimed yet. The store tells when it can.
  if (!instead && transaction === undefined) relay?.added(readyAt(message))
  return instead
}
