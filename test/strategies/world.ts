import type { Arrived } from '../../src/message/envelope.js'
import type { ConnectOptions, Dueque, Strategy } from '../../src/index.js'
import type { ExchangeType } from '../../src/strategies/memory/exchange.js'

/** What the conformance suite needs around a strategy: the broker's other side, as an operator or another program has it. */
export interface World {
  /** Connects with a fresh instance of the strategy. Closed by {@link close}. */
  connect(options?: ConnectOptions): Promise<Dueque>
  declareQueue(name: string): Promise<void>
  deleteQueue(name: string): Promise<void>
  declareExchange(name: string, type: ExchangeType): Promise<void>
  bind(queue: string, exchange: string, key?: string, args?: Record<string, string>): Promise<void>
  /** Takes one message from a queue as it is, for good. */
  take(queue: string): Promise<Arrived | undefined>
  depth(queue: string): Promise<number>
  /** Messages that were due and had nowhere to go. */
  parked(): Promise<number>
  /** Sends the parked messages on their way again. */
  redrive(): Promise<void>
  close(): Promise<void>
}

export interface Subject {
  /** For titles: the strategy's name and what is special. */
  name: string
  make: () => Strategy
  /** Cases that the strategy cannot do, each with the reason. */
  cannot?: Partial<Record<string, string>>
  /** One case after the other, because they share a clock. @default false */
  inTurn?: boolean
  /** Each case in a world of its own, because closing one connection ends the waiting messages of all. @default false */
  ownWorlds?: boolean
}
