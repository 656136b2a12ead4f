/** How a schedule ended. `tried`: its process ended before it knew. */
export type Outcome = 'tried' | 'confirmed' | 'refused' | 'unknown'

/** One call of a handler. Times are milliseconds since the epoch. */
export interface Call {
  process: string
  attempt: number
  /** As the handler received it. Undefined if it was not written down. */
  due: number | undefined
  startedAt: number
  /** Missing if its process was killed. */
  endedAt?: number
}

/** A schedule of a message: 0 is the first one, each `reschedule` makes the next one. */
export interface Copy {
  k: number
  process: string
  triedAt: number
  due: number
  /** The due time that its handlers receive, if the clock of its producer was set. @default due */
  told?: number | undefined
  outcome: Outcome
  calls: Call[]
}

/** Answers of `cancel`, and `refused`: it failed, and nothing was changed. */
export type Answer = 'cancelled' | 'too-late' | 'unknown' | 'not-waiting' | 'refused'

/** A `cancel`, or the cancellation of earlier copies by a `reschedule`. */
export interface Cancellation {
  process: string
  askedAt: number
  /** It concerns the copies below this one. Infinity: all of them. */
  below: number
  /** Missing if it is not known. */
  answer?: Answer
  answeredAt?: number
}

/** A message that was in a queue, a store or a list at the end. */
export interface Kept {
  k: number
  is: 'dead' | 'parked' | 'waiting' | 'listed'
  /** A queue, or the name of a store or a list. */
  place: string
  /** dueque's reason of its death. Undefined if the broker moved it. */
  reason?: string | undefined
  deadAt?: number | undefined
}

/** What became of one message, by all who wrote something down. */
export interface Message {
  key: string
  copies: Copy[]
  cancellations: Cancellation[]
  kept: Kept[]
}

/** A fault that may cause copies. */
export interface Trouble {
  what: string
  /** The affected process. Undefined for a fault of all. */
  process?: string
  from: number
  to: number
  /**
   * A documented limit that it may exceed: `clock` lets messages come early or although they are cancelled, `partition` lets
   * cancelled messages be handled. What it explains is counted apart.
   */
  exceeds?: 'clock' | 'partition'
  /** A dedupe store may not learn what was handled meanwhile, or forget it. */
  forgets?: boolean
}

interface CopyOf {
  k?: number
}

interface TryOf extends CopyOf {
  process: string
  at: number
  due: number
  told?: number | undefined
}

interface CallOf extends CopyOf {
  process: string
  attempt?: number | undefined
  at: number
}

/** The records of all processes, by message. Those of producers come first. */
export class History {
  readonly messages = new Map<string, Message>()
  readonly troubles: Trouble[] = []
  /** Texts about arrivals of messages that were never scheduled, by message. */
  readonly strangers: { key: string; text: string }[] = []

  tried(key: string, { k = 0, process, at, due, told }: TryOf): void {
    const copy: Copy = { k, process, triedAt: at, due, told, outcome: 'tried', calls: [] }
    const message = this.messages.get(key)
    if (message) message.copies.push(copy)
    else this.messages.set(key, { key, copies: [copy], cancellations: [], kept: [] })
  }

  settled(key: string, outcome: Outcome, { k = 0 }: CopyOf = {}): void {
    this.#copy(key, k)!.outcome = outcome
  }

  cancelling(key: string, cancellation: Cancellation): void {
    this.messages.get(key)!.cancellations.push(cancellation)
  }

  /** The answer to the last cancellation that was asked for. */
  answered(key: string, answer: Answer, at: number): void {
    Object.assign(this.messages.get(key)!.cancellations.at(-1)!, { answer, answeredAt: at })
  }

  started(key: string, { k = 0, process, attempt = 1, at, due }: CallOf & { due?: number }): void {
    const call: Call = { process, attempt, due, startedAt: at }
    const copy = this.#copy(key, k)
    if (copy) copy.calls.push(call)
    else this.strangers.push({ key, text: `attempt ${attempt} of ${key}.${k} in ${process} at ${at}` })
  }

  ended(key: string, { k = 0, process, attempt = 1, at }: CallOf): void {
    const call = this.#copy(key, k)?.calls.findLast((one) => one.process === process && one.attempt === attempt)
    if (call) call.endedAt = at
  }

  /** A handler that wrote down its start alone, and returned at once. */
  handled(key: string, call: CallOf & { due?: number }): void {
    this.started(key, call)
    this.ended(key, call)
  }

  found(key: string, kept: Kept): void {
    const message = this.messages.get(key)
    if (message) message.kept.push(kept)
    else this.strangers.push({ key, text: `${key}.${kept.k} in ${kept.place}` })
  }

  #copy(key: string, k: number): Copy | undefined {
    return this.messages.get(key)?.copies.find((one) => one.k === k)
  }
}
