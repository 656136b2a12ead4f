/** What a handler does at one attempt. */
export type Step = 'return' | 'throw' | 'retry' | 'dead-letter'

/** What should become of a message. */
export interface Expectation {
  /** Action of the handler at the first attempt, the second … The last one ends the message. */
  steps: readonly Step[]
  /** Minimum between the end of an attempt and the next one. */
  waitAfterMs?: (attempt: number) => number
  /** Its expiry: the message is dead if no handler started before. */
  expiresInMs?: number | undefined
  /** dueque's reason if the message may be in the dead queue. */
  deadReason?: string | undefined
  /** As in a store, a waiting retry can be cancelled: attempts before the answer are no fault. @default false */
  cancelsRetries?: boolean
  /** A dedupe store suppresses copies in all processes. */
  isDeduped?: boolean | undefined
  /** Its handler is not one of dueque, and handles each copy. */
  isForeign?: boolean | undefined
  /** Other processes that have it on its way: the beginning of their names. */
  via?: string | undefined
  /** It is due after the end of the run: it should be found waiting. */
  stays?: boolean
  /** A list of waiting messages was taken at the end, and should have it as long as it waits. */
  isListed?: boolean
}

export const HANDLED_ONCE: Expectation = { steps: ['return'] }
