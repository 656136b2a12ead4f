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
  /** Of the consumers that honour cancellations by RabbitMQ. Missing before the first of them. */
  readonly cancellations?: CancellationHealth
  /** The index of the waiting messages, with `ladder({ journal: { index: true } })`. `ok` ignores it. */
  readonly journal?: JournalHealth
  /**
   * The ticker of recurring messages. Missing before the first `consume`, with `recurring: false`, and without the right to read
   * its queue. `ok` ignores it: another process takes over.
   */
  readonly recurring?: RecurringHealth
  /** Why RabbitMQ blocks, in its words. */
  readonly blockedBy?: string
  /** The broker of the current or the last connection. Missing with the strategy `memory`, which has no broker. */
  readonly broker?: { readonly product: string; readonly version: string }
  /** When a connection was last opened, lost, blocked or unblocked: ISO 8601. */
  readonly since: string
  /** Messages that wait for the broker's confirm, or to be sent. */
  readonly waitingForConfirm: number
}

/** How far the cancellations of the namespace are read. */
export interface CancellationHealth {
  /**
   * `reading`: no handler starts until every cancellation is read. `live`: all of them were, at the last look. `down`: for
   * 30 s that could not be proved and nothing older was read, and consumers do as their option `onTailDown` says. `ok` is false
   * then if one of them waits.
   */
  readonly state: 'reading' | 'live' | 'down'
  /** Cancellations that are remembered. */
  readonly records: number
  /** Cancellations that could not be read since the start. */
  readonly unreadable: number
  /** When it was last proved that all of them are read: ISO 8601. Missing before the first time. */
  readonly provedAt?: string
}

/** The ticker of this process, which schedules the occurrences of recurring messages. */
export interface RecurringHealth {
  /**
   * `unused`: the namespace has no recurring messages yet. `active`: this process schedules the occurrences of all of them.
   * `standby`: another process does, and this one takes over when it ends. `stepped-back`: it lacked a right, or nothing succeeded
   * for a minute, and it leaves this to other processes for 30 s. `down`: the connection is away.
   */
  readonly state: 'unused' | 'active' | 'standby' | 'stepped-back' | 'down'
  /** When it last sent every tick that may have been lost: ISO 8601. Only of an active one, with RabbitMQ. */
  readonly repairedAt?: string
  /** When it last stepped back: ISO 8601. Missing once it has scheduled something since. */
  readonly steppedBackAt?: string
}

/** An index of the journal of waiting messages. */
export interface JournalHealth {
  /**
   * `unused` before the first question. `reading`: the journal is read, for the first time or after a lost connection. `live`: it
   * is read, and followed. `over`: there are more messages than `maxEntries`; for 10 minutes each question reads the journal.
   */
  readonly state: 'unused' | 'reading' | 'live' | 'over'
  /** Messages in memory. Some of them may not be waiting any more. */
  readonly entries: number
}

/** Of this process, since its store was opened. */
export interface StoreFaultCounts {
  /** Entries that were found in the store and are no messages that this version can read. They stay there. */
  readonly unreadable: number
  /** Entries that a relay had claimed, and that were gone when it came to settle or postpone them. */
  readonly missing: number
}
