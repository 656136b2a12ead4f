import { assertDeclares, assertNoDeadQueue } from '../amqp/topology/declare-rules.js'
import { deadQueue } from '../amqp/topology/names.js'
import { assertOutside } from '../amqp/topology/reserved-names.js'
import { aFunction, checkOptions, flag, integer, nonEmptyText, oneOf, type Rules } from '../base/checks.js'
import { invalidOption, type DuequeError } from '../base/errors.js'
import type { OnTailDown } from '../cancellation/on-tail-down.js'
import { checkQueueName } from '../message/destination.js'
import { CONNECT_RULES, resolveConnection, type ConnectOptions, type ResolvedOptions } from '../options.js'

export interface GateOptions extends Omit<ConnectOptions, 'telemetry'> {
  /** The queue that messages are taken from, as a consumer of dueque does: its dead queue is `<from>.dead`. */
  from: string
  /** The queue that due messages are forwarded to. Let nothing else publish to it. */
  to: string
  /** Declares both queues if they are missing. @default false: they must be there */
  declare?: boolean | undefined
  /**
   * Messages that are taken at a time, 1 to 65535: those that are on their way, and early ones, which are held. With a `lead`
   * of the ladder make it more than the number of messages that arrive within the lead and 124 ms.
   * @default 500
   */
  prefetch?: number | undefined
  /**
   * What happens when the gate cannot prove for 30 s that it has read every cancellation. `handle`: it goes on, and may
   * forward cancelled messages. `wait`: it forwards nothing until it can.
   * @default 'handle'
   */
  onTailDown?: OnTailDown | undefined
  /** Errors of the connection and of the cancellations. The gate goes on all the same. */
  onError?: ((error: DuequeError) => void) | undefined
}

/** The argument of a gate's consumer that tells operators where it forwards to. */
export const FORWARDS_TO = 'dueque-gate-to'

/** Checked options. */
export interface ResolvedGate {
  readonly connection: ResolvedOptions
  readonly from: string
  readonly to: string
  readonly declare: boolean
  readonly prefetch: number
  readonly onTailDown: OnTailDown
  readonly onError: (error: DuequeError) => void
}

const { telemetry: _, ...CONNECTION_RULES } = CONNECT_RULES

const GATE_RULES: Rules<GateOptions> = {
  ...CONNECTION_RULES,
  from: nonEmptyText,
  to: nonEmptyText,
  declare: flag,
  prefetch: integer(1, 65_535),
  onTailDown: oneOf('handle', 'wait'),
  onError: aFunction,
}

/** @throws DuequeError `INVALID_OPTION`, `RESERVED_NAME`, `NAME_TOO_LONG` */
export function resolveGate(options: GateOptions): ResolvedGate {
  checkOptions(options, GATE_RULES)
  const { from, to, declare = false, prefetch = 500, onTailDown = 'handle', onError = () => undefined } = options
  const connection = resolveConnection(options)
  if (connection.strategy.broker) {
    const { name } = connection.strategy
    throw invalidOption('strategy', 'one whose messages come from RabbitMQ, as ladder()', name)
  }
  checkQueues(from, to, connection.namespace)
  if (declare) {
    assertDeclares(connection.topology)
    for (const queue of [from, to]) assertNoDeadQueue(queue)
  }
  return { connection, from, to, declare, prefetch, onTailDown, onError }
}

function checkQueues(from: string, to: string, namespace: string): void {
  for (const [option, queue] of Object.entries({ from, to })) {
    assertOutside({ queue: checkQueueName(option, queue) }, namespace)
  }
  if (to === from) throw invalidOption('to', 'another queue than `from`', to)
  if (to === deadQueue(from)) throw invalidOption('to', 'another queue than the dead queue of `from`', to)
}
