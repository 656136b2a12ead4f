/** A Redis or PostgreSQL to work on. */
export interface Service {
  readonly url: string
  /** One line for humans: the server and its origin. */
  readonly how: string
  /** Kills it with -9 and starts it again; resolves when it takes clients. Only of a private one. */
  restart?(): Promise<void>
  /** Stops the processes that were started for it. May be called again. */
  stop(): Promise<void>
}
