import type { Arrived } from '../../src/message/envelope.js'
import type { ConnectOptions, Dueque, Strategy } from '../../src/index.js'
import type { ExchangeType } from '../../src/strategies/memory/exchange.js'

/** The access to the broker that the conformance suite needs, as an operator or another program has it. */
export interface World {
  /** Connects with a fresh instance of the strategy. Closed by {@link close}. */
  connect(options?: ConnectOptions): Promise<Dueque>
  declareQueue(name: string): Promise<void>
  deleteQueue(name: string): Promise<void>
  declareExchange(name: string, type: ExchangeType): Promise<void>
  bind(queue: string, exchange: string, key?: string, args?: Record<string, string>): Promise<void>
  /** Removes one message from a queue and returns it unchanged. */
  take(queue: string): Promise<Arrived | undefined>
  depth(queue: string): Promise<number>
  /** The number of due messages without a destination. */
  parked(): Promise<number>
  /** Sends the parked messages on their way again. */
  redrive(): Promise<void>
  close(): Promise<void>
}

export interface Subject {
  /** For titles: the name of the strategy and its variant. */
  name: string
  make: () => Strategy
  /** Cases that the strategy cannot do, each with the reason. */
  cannot?: Partial<Record<string, string>>
  /** Runs one case after the other, because they share a clock. @default false */
  inTurn?: boolean
  /** Runs each case in its own world, because closing one connection ends all waiting messages. @default false */
  ownWorlds?: boolean
}
