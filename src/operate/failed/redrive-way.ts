import { AmqpBroker } from '../../amqp/amqp-broker.js'
import type { ConnectionEvents } from '../../amqp/connection/connection.js'
import { openConnection } from '../../amqp/connection/operator-connection.js'
import { Declarer } from '../../amqp/topology/declarer.js'
import { missing } from '../../amqp/topology/destination-binder.js'
import { ReservedNames } from '../../amqp/topology/reserved-names.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { Destination } from '../../message/destination.js'
import type { ResolvedOptions } from '../../options.js'
import { openSession } from '../../session.js'
import type { OperatorSettings } from '../operator-settings.js'
import type { FailedQueue, TakenMessage } from './failed-queue.js'

/** What a redrive does to the broker: its work, or nothing. */
export interface RedriveWay {
  /** @throws DuequeError `RESERVED_NAME` for a queue or exchange of dueque's own */
  assertUsers(destination: Destination): Promise<void>
  exists(destination: Destination): Promise<boolean>
  /** Binds a destination, and declares its queue if that is wanted. @throws DuequeError `DESTINATION_MISSING`, … */
  bind(destination: Destination, declare: boolean): Promise<void>
  /** Resolves when the message is confirmed. */
  send(message: DelayedMessage): Promise<void>
  remove(queue: FailedQueue, message: TakenMessage): void
  close(): Promise<void>
}

/** @throws DuequeError as `connect` does */
export async function realWay(options: ResolvedOptions, events: ConnectionEvents): Promise<RedriveWay> {
  // The signal ends a run between two messages, and not the opening.
  const settings = { ...options, signal: undefined }
  const session = await openSession(new AmqpBroker(options, events), settings, { onError: events.error })
  const { topology } = session.broker
  return {
    assertUsers: (destination) => topology.assertUsers(destination),
    exists: (destination) => topology.exists(destination),
    bind: (destination, declare) => topology.destination(destination, declare),
    async send(message) {
      await options.strategy.schedule(message, { declare: false, bind: false })
    },
    remove: (queue, message) => queue.remove(message),
    close: () => session.close(),
  }
}

/** Looks at the destinations, and changes nothing. @throws DuequeError as `connect` does */
export async function dryWay(settings: OperatorSettings): Promise<RedriveWay> {
  const connection = await openConnection(settings)
  const declarer = new Declarer(connection, settings)
  const reserved = new ReservedNames(settings.names, (exchange) => declarer.exists('exchange', exchange))
  const exists = ({ queue, exchange }: Destination) =>
    queue === undefined ? declarer.exists('exchange', exchange) : declarer.exists('queue', queue)
  return {
    assertUsers: (destination) => reserved.check(destination),
    exists,
    async bind(destination, declare) {
      await reserved.check(destination)
      const isThere = (declare && destination.queue !== undefined) || (await exists(destination))
      if (!isThere) throw missing(destination)
    },
    send: () => Promise.resolve(),
    remove: () => undefined,
    close: () => connection.close(),
  }
}
