/** How things stand with the connections, in plain JSON. See `Dueque.health`. */
export interface Health {
  /** Whether messages can be scheduled, and every consumer receives. False once `close` was called. */
  readonly ok: boolean
  /** `blocked`: connected, but RabbitMQ takes no messages for now, because memory or disk are low. */
  readonly producer: 'up' | 'blocked' | 'down'
  /** `unused` before the first `consume`. `down` also if one of several consumers is not receiving. */
  readonly consumer: 'up' | 'unused' | 'down'
  /** Of a strategy with a store outside of RabbitMQ. `down` while the last calls failed, or got no answer in time. */
  readonly store?: 'up' | 'down'
  /** Entries of that store which this process could not read, and claimed ones that the store has lost. `ok` ignores both. */
  readonly stored?: StoreFaultCounts
  /** Why RabbitMQ blocks, in its words. */
  readonly blockedBy?: string
  /** The broker of the current or the last connection. Missing with the strategy `memory`, which has no broker. */
  readonly broker?: { readonly product: string; readonly version: string }
  /** When a connection was last opened, lost, blocked or unblocked: ISO 8601. */
  readonly since: string
  /** Messages that wait for the broker's confirm, or to be sent. */
  readonly waitingForConfirm: number
}

/** Of this process, since its store was opened. */
export interface StoreFaultCounts {
  /** Entries that were found in the store and are no messages that this version can read. They stay there. */
  readonly unreadable: number
  /** Entries that a relay had claimed, and that were gone when it came to settle or postpone them. */
  readonly missing: number
}
