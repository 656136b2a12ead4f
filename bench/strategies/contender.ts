import type { Strategy } from 'dueque'
import type { Broker } from '../broker.js'

/** A way to wait, as it enters the comparison. */
export interface Contender {
  /** As in the code: `ladder({ lead: 25 })`. */
  readonly name: string
  /** In the process: what is due never gets to RabbitMQ. */
  readonly inProcess?: boolean
  /** Starts what it needs besides RabbitMQ. Tells why it cannot take part, if so. */
  enter(broker: Broker): Promise<Entrant | string>
}

export interface Entrant {
  /** A fresh one for each connection. */
  strategy(): Strategy
  /** What all that waits takes, in bytes; of memory, or of a disk. */
  size(): Promise<number>
  readonly sizeIs: 'memory' | 'disk'
  /** Processes of servers on this machine, RabbitMQ aside. */
  processes(): Promise<readonly number[]>
  leave(): Promise<void>
}
