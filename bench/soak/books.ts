import type { Entry } from './ledger.js'

/** One call of a handler. Times are milliseconds since the epoch. */
export interface Call {
  process: string
  attempt: number
  /** As the handler received it. */
  due: number
  startedAt: number
  /** Missing if its process was killed. */
  endedAt?: number
}

/** All records of one message. */
export interface Account {
  due: number
  triedAt: number
  producer: string
  /** `tried`: its producer was killed before it knew the outcome. */
  outcome: 'tried' | 'confirmed' | 'refused' | 'unknown'
  calls: Call[]
}

/** A message that was in a queue at the end. */
export interface Stored {
  n: number
  queue: string
  /** dueque's reason of its death; undefined if the broker moved it. */
  reason: string | undefined
  deadAt: number | undefined
}

/** A possible cause of copies of one or many messages. */
export interface Trouble {
  what: string
  /** The affected process. Undefined for a node, whose fault affects all. */
  process?: string
  from: number
  to: number
}

/** A lost connection is detected within two heartbeats of 10 s; the broker may detect it earlier. */
const NOTICED_WITHIN_MS = 25_000

/** The ledgers of all processes, by message. */
export class Books {
  readonly accounts = new Map<number, Account>()
  /** Handler calls for messages that were never scheduled. */
  readonly strangers: { n: number; call: Call }[] = []
  readonly troubles: Trouble[] = []
  readonly counts = { disconnected: 0, unknown: 0, failed: 0 }

  /** Ledgers of producers first. */
  enter(process: string, entry: Entry): void {
    switch (entry.is) {
      case 'try': {
        const { n, due, at } = entry
        this.accounts.set(n, { due, triedAt: at, producer: process, outcome: 'tried', calls: [] })
        return
      }
      case 'confirmed':
      case 'refused':
      case 'unknown':
        if (entry.is === 'unknown') this.counts.unknown++
        this.accounts.get(entry.n)!.outcome = entry.is
        return
      case 'start':
        return this.#started(process, entry)
      case 'end': {
        const calls = this.accounts.get(entry.n)?.calls ?? []
        const call = calls.findLast((one) => one.process === process && one.attempt === entry.attempt)
        if (call) call.endedAt = entry.at
        return
      }
      case 'disconnected': {
        this.counts.disconnected++
        const trouble = { what: 'a connection was lost', process, from: entry.at - NOTICED_WITHIN_MS, to: entry.at }
        this.troubles.push(trouble)
        return
      }
      case 'failed':
        this.counts.failed++
        this.troubles.push({ what: 'dueque could not publish or bury', process, from: entry.at, to: entry.at })
        return
      case 'news':
    }
  }

  #started(process: string, { n, attempt, due, at }: Entry & { is: 'start' }): void {
    const call = { process, attempt, due, startedAt: at }
    const account = this.accounts.get(n)
    if (account) account.calls.push(call)
    else this.strangers.push({ n, call })
  }
}
