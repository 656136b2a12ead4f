/** What goes to Redis. */
export type Argument = string | Uint8Array

/** All that is asked of a client of Redis, whichever it is. */
export interface RedisPort {
  /** `away`: it may come back by itself. `unknown`: the client does not tell. */
  state(): 'ready' | 'away' | 'closed' | 'unknown'
  /** Counts lost connections: what was under way then may have been sent again by the client. */
  losses(): number
  /** Runs a script where `key` is. Bulk replies come as Buffers. */
  run(command: 'EVAL' | 'EVALSHA', key: string, args: readonly Argument[]): Promise<unknown>
  /** Calls when it is ready. Returns what ends that. */
  onReady(listener: () => void): () => void
  /**
   * Listens to a channel over a connection of its own.
   *
   * @param again called when messages may have been missed
   */
  subscribe(channel: string, listener: (message: string) => void, again: () => void): RedisSubscription
  open(): void
  /** Lets go of the client, which stays open. */
  close(): void
}

export interface RedisSubscription {
  /** Settles when it is known whether it may listen, which takes until Redis is there. */
  readonly subscribed: Promise<void>
  end(): Promise<void>
}
