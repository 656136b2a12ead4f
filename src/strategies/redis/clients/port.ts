/** A part of a command. */
export type Argument = string | Uint8Array

/** Everything that dueque needs of a Redis client. */
export interface RedisPort {
  /** `away`: it may come back by itself. `unknown`: the client does not tell. */
  state(): 'ready' | 'away' | 'closed' | 'unknown'
  /** Counts lost connections: the client may send commands that were under way again. */
  losses(): number
  /** Runs a script on the server of `key`. Bulk replies come as Buffers. */
  run(command: 'EVAL' | 'EVALSHA', key: string, args: readonly Argument[]): Promise<unknown>
  /** Calls the listener when it is ready. Returns a function that removes it. */
  onReady(listener: () => void): () => void
  /**
   * Listens to a channel over a connection of its own.
   *
   * @param again called when messages may have been lost
   */
  subscribe(channel: string, listener: (message: string) => void, again: () => void): RedisSubscription
  open(): void
  /** Removes the listeners. The client stays open. */
  close(): void
}

export interface RedisSubscription {
  /** Settles when Redis has answered whether it may listen. */
  readonly subscribed: Promise<void>
  end(): Promise<void>
}

/** One server, alone or of a cluster. It reports only its own keys. */
export interface RedisNode {
  /** Tells it from the others. */
  readonly name: string
  /** CONFIG GET or SET. */
  config(...args: readonly string[]): Promise<unknown>
  /**
   * Listens to a pattern of channels over a connection of its own.
   *
   * @param again called when messages may have been lost
   */
  listen(pattern: string, heard: (message: string) => void, again: () => void): RedisSubscription
}
