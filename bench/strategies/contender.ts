import type { Strategy } from 'dueque'
import type { Broker } from '../broker.js'

/** A strategy in the comparison. */
export interface Contender {
  /** As in the code: `ladder({ lead: 25 })`. */
  readonly name: string
  /** The messages stay in the process and never reach RabbitMQ. */
  readonly inProcess?: boolean
  /** Starts the servers that it needs besides RabbitMQ, or returns the reason why it cannot take part. */
  enter(broker: Broker): Promise<Entrant | string>
}

export interface Entrant {
  /** A fresh one for each connection. */
  strategy(): Strategy
  /** Bytes of memory or disk for all waiting messages. */
  size(): Promise<number>
  readonly sizeIs: 'memory' | 'disk'
  /** Processes of servers on this machine, RabbitMQ aside. */
  processes(): Promise<readonly number[]>
  leave(): Promise<void>
}
