import type { Arguments, BindingPart, ExchangePart, Part } from '../amqp/topology/part.js'
import type { Names } from '../amqp/topology/names.js'

/** Where producers of the plugin's form publish, and where their messages go when they are due. */
export interface Way {
  /** The exchange that producers publish to. */
  readonly entry: string
  /** The exchange with the bindings of the consumers. */
  readonly due: string
}

export function dueExchange(entry: string): string {
  return `${entry}.due`
}

export function intakeQueue(entry: string): string {
  return `${entry}.intake`
}

/**
 * The entry: a fanout, so that every routing key leads into the intake's queue, which has to be there. Should the binding be
 * lost, messages are parked.
 */
export function entryParts(names: Names, entry: string): [ExchangePart, BindingPart] {
  return [
    exchange(entry, 'fanout', { 'alternate-exchange': names.parked }),
    { kind: 'binding', from: entry, to: 'queue', name: intakeQueue(entry), key: '' },
  ]
}

/**
 * The exchange for due messages, of the type that the plugin's exchange had underneath. Messages without a binding are parked:
 * without an alternate exchange, 32 of them would hold up all others.
 */
export function duePart(names: Names, name: string, type: string, args: Arguments = {}): ExchangePart {
  return exchange(name, type, { 'alternate-exchange': names.parked, ...args })
}

function exchange(name: string, type: string, args: Arguments): ExchangePart & Part {
  return { kind: 'exchange', name, type, arguments: args }
}
