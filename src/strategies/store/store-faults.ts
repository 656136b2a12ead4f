import { DuequeError, errorText } from '../../base/errors.js'
import type { StoreFaultCounts } from '../../health.js'
import type { StoreEnvironment } from './message-store.js'

/** Each kind of fault is reported at most once in this time, with all faults since the last report. */
const TELL_EVERY_MS = 60_000
/**
 * A message that is gone so soon after its claim was deleted or lost. Later, its consumer may have retried it, and another relay
 * may have handed that over.
 */
const SOON_MS = 1000
/** Unreadable entries that are remembered. Further ones are neither counted nor reported. */
const MAX_KEYS = 10_000
/** Keys in one error. */
const MAX_NAMED = 10

/** Counts and reports entries of a store that cannot be read, and messages that it has lost. Neither ends the relay. */
export class StoreFaults {
  readonly #store: string
  #environment: StoreEnvironment | undefined
  readonly #keys = new Set<string>()
  #untold: string[] = []
  #lastError: unknown
  #missing = 0
  #untoldMissing = 0
  readonly #toldAt = { unreadable: -Infinity, missing: -Infinity }

  constructor(store: string) {
    this.#store = store
  }

  open(environment: StoreEnvironment): void {
    this.#environment = environment
  }

  /** @param key the name of the entry in the store, for a person who looks for it there */
  unreadable(key: string, error: unknown): void {
    if (!this.#keys.has(key) && this.#keys.size < MAX_KEYS) {
      this.#keys.add(key)
      this.#untold.push(key)
      this.#lastError = error
    }
    if (this.#untold.length === 0 || !this.#mayTell('unreadable')) return
    const keys = this.#untold.splice(0)
    const named = keys.slice(0, MAX_NAMED)
    const why = errorText(this.#lastError)
    const what = `${keys.length} stored messages cannot be read and stay in the store (${named.map(shownKey).join(', ')}): ${why}`
    const mend = 'if a later version of dueque wrote them, run that version; otherwise delete them'
    this.#tell(
      new DuequeError('STORED_MESSAGE_UNREADABLE', `${this.#store}: ${what}. ${mend}`, {
        store: this.#store,
        count: keys.length,
        keys: named,
      }),
    )
  }

  missing(count: number): void {
    if (count === 0) return
    this.#missing += count
    this.#untoldMissing += count
    if (!this.#mayTell('missing')) return
    const lost = this.#untoldMissing
    this.#untoldMissing = 0
    const what = `${lost} claimed messages are gone from the store: did somebody delete them, or did the store lose data (restart, failover, eviction)?`
    this.#tell(
      new DuequeError('STORED_MESSAGE_MISSING', `${this.#store}: ${what} Messages that waited may be lost too`, {
        store: this.#store,
        count: lost,
      }),
    )
  }

  counts(): StoreFaultCounts {
    return { unreadable: this.#keys.size, missing: this.#missing }
  }

  #mayTell(kind: 'unreadable' | 'missing'): boolean {
    const now = performance.now()
    if (now - this.#toldAt[kind] < TELL_EVERY_MS) return false
    this.#toldAt[kind] = now
    return true
  }

  #tell(error: DuequeError): void {
    this.#environment?.logger.error(error.message, { code: error.code, ...error.data })
    this.#environment?.onError(error)
  }
}

function shownKey(key: string): string {
  return key.length > 120 ? `${key.slice(0, 120)}…` : key
}

/** @param claimedAt by the monotonic clock */
export function isSoonAfter(claimedAt: number): boolean {
  return performance.now() - claimedAt < SOON_MS
}
