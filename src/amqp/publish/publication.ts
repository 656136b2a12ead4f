import type { AsyncResource } from 'node:async_hooks'
import type { DuequeError } from '../../base/errors.js'
import type { Frame } from './frame.js'
import type { Suspect } from './poison-search.js'

/** One message to publish, for as many attempts as it takes. */
export interface Publication {
  /** Id and revision as in the frame: they tell which one was returned. */
  readonly message: { readonly id: unknown; readonly revision: unknown; readonly body: Uint8Array }
  /**
   * The frame for this very instant, asked anew at each attempt; or a promise of what must be declared first, after
   * which it is asked again. A rejection ends the publication with that error.
   */
  prepare(): Frame | Promise<void>
  /** `exchange` had no queue for the last frame, or does not exist: forget that it was there. An error ends it all. */
  returned(exchange: string): DuequeError | undefined
  /** From when on a confirm for the last frame can be relied on, by `performance.now()`. */
  safeAt?(): number
  /** After which it is given up. @default that of the publisher */
  readonly timeoutMs?: number | undefined
}

/** A publication under way. */
export interface Entry extends Suspect {
  readonly publication: Publication
  readonly startedAt: number
  readonly resolve: () => void
  readonly reject: (error: DuequeError) => void
  /** Of the last attempt. */
  exchange: string
  attempts: number
  returned: boolean
  /** Why it need not be tried again after it was returned. */
  hopeless: DuequeError | undefined
  /** An attempt whose answer never came: the message may be with the broker. */
  lost: boolean
  settled: boolean
  /** The caller's. */
  readonly signal: AbortSignal | undefined
  /** Where `publish` was called, for what is sent later: instrumentation of amqplib finds the caller's trace there. */
  context: AsyncResource | undefined
}
