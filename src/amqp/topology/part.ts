export type Arguments = Readonly<Record<string, unknown>>

export interface ExchangePart {
  readonly kind: 'exchange'
  readonly name: string
  readonly type: string
  readonly arguments: Arguments
  /** Whether the broker deletes it together with its last binding. */
  readonly autoDelete?: boolean
  /**
   * Given for a type that RabbitMQ may not know: what the error tells the user to do then. Such an exchange is declared on a
   * connection of its own, because an unknown type may cost the connection.
   */
  readonly ifUnknown?: string
}

export interface QueuePart {
  readonly kind: 'queue'
  readonly name: string
  readonly arguments: Arguments
}

/** Binds a queue or an exchange to the exchange `from`. */
export interface BindingPart {
  readonly kind: 'binding'
  readonly from: string
  readonly to: 'queue' | 'exchange'
  readonly name: string
  readonly key: string
  /** Only for bindings of users: headers exchanges have them. */
  readonly arguments?: Arguments
}

/** One exchange, queue or binding of the topology. All of them are durable. */
export type Part = ExchangePart | QueuePart | BindingPart

export function exchange(name: string, type: string, args: Arguments = {}): ExchangePart {
  return { kind: 'exchange', name, type, arguments: args }
}

export function queue(name: string, args: Arguments): QueuePart {
  return { kind: 'queue', name, arguments: args }
}

/** Binds the queue `name` to the exchange `from`. */
export function queueBinding(name: string, from: string, key: string): BindingPart {
  return { kind: 'binding', from, to: 'queue', name, key }
}

/** Binds the exchange `name` to the exchange `from`. */
export function exchangeBinding(name: string, from: string, key: string): BindingPart {
  return { kind: 'binding', from, to: 'exchange', name, key }
}
