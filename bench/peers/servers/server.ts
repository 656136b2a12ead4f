import type { Site } from '../contestant.js'

/** A private server. */
export interface Server<P = Site[keyof Site]> {
  /** Version, and the settings that matter. */
  readonly how: string
  /** Where `bytes()` of its places counts. */
  readonly bytesAre: 'memory' | 'disk'
  /** An empty place in it. */
  open(): Promise<NonNullable<P>>
  processes(): Promise<readonly number[]>
  /** The folder of its data. */
  folder(): Promise<string>
  /** kill -9. */
  kill(): Promise<void>
  /** Stops it gracefully. */
  shutdown(): Promise<void>
  /** Starts it again with the same data; resolves when it takes clients. */
  restart(): Promise<void>
  /** Ends it, and deletes its data. */
  stop(): Promise<void>
}
