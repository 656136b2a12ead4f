import { History } from '../../scripts/checker/history.js'
import type { Entry } from './ledger.js'

/** A lost connection is detected within two heartbeats of 10 s; the broker may detect it earlier. */
const NOTICED_WITHIN_MS = 25_000

/** The ledgers of all processes as the history of the run. */
export class Books {
  readonly history = new History()
  readonly counts = { disconnected: 0, unknown: 0, failed: 0, cancels: 0, reschedules: 0 }

  /** Ledgers of producers first. */
  enter(process: string, entry: Entry): void {
    const { history, counts } = this
    switch (entry.is) {
      case 'try':
        return history.tried(entry.key, { ...entry, process })
      case 'confirmed':
      case 'refused':
      case 'unknown':
        if (entry.is === 'unknown') counts.unknown++
        return history.settled(entry.key, entry.is, entry)
      case 'cancel': {
        const below = entry.below ?? Infinity
        counts[below === Infinity ? 'cancels' : 'reschedules']++
        return history.cancelling(entry.key, { process, askedAt: entry.at, below })
      }
      case 'answer':
        return history.answered(entry.key, entry.answer, entry.at)
      case 'start':
        return history.started(entry.key, { ...entry, process })
      case 'end':
        return history.ended(entry.key, { ...entry, process })
      case 'disconnected':
      case 'failed':
        return this.#troubled(process, entry)
      case 'news':
    }
  }

  #troubled(process: string, { is, at }: Entry & { is: 'disconnected' | 'failed' }): void {
    this.counts[is]++
    const what = is === 'failed' ? 'dueque could not publish or bury' : 'a connection was lost'
    const from = is === 'failed' ? at : at - NOTICED_WITHIN_MS
    this.history.troubles.push({ what, process, from, to: at })
  }
}
