import type { Broker } from '../../broker.js'

/** An empty part of a server, for one contestant. */
interface Place {
  readonly url: string
  /** What the server itself counts for the messages in it. */
  bytes(): Promise<number>
  leave(): Promise<void>
}

export interface RabbitPlace extends Place {
  /** Of a virtual host of its own. */
  readonly broker: Broker
}

export type RedisPlace = Place

export interface PostgresPlace extends Place {
  /** A number from the first column of the only row. */
  number(query: string): Promise<number>
}
