/** A Redis or PostgreSQL to work on. */
export interface Service {
  readonly url: string
  /** One line for humans: the server and its origin. */
  readonly how: string
  /** Stops the processes that were started for it. May be called again. */
  stop(): Promise<void>
}
