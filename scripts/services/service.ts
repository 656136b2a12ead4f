/** A Redis or PostgreSQL to work on. */
export interface Service {
  readonly url: string
  /** One line for humans: which one this is and where it comes from. */
  readonly how: string
  /** Ends what was started for it. May be called again. */
  stop(): Promise<void>
}
