import { setTimeout as pause } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { backoff } from '../../base/backoff.js'
import { errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'

/** So often it is tried whether notifications arrive: a connection may be gone without a word. */
const TRY_EVERY_MS = 60_000
const ARRIVES_WITHIN_MS = 5000
const LONGEST_PAUSE_MS = 30_000
const ENDS_WITHIN_MS = 2000

export interface ListenerOptions {
  /** Listens on a connection. */
  open: (heard: (payload: string) => void, lost: () => void) => Promise<() => Promise<void>>
  /** Notifies all who listen, as schedules do. */
  notify: (payload: string) => Promise<unknown>
  /** Something waits that is ready then; 0 after a time in which nothing could be heard. */
  heard: (readyAt: number) => void
  logger: Logger
}

/** Hears of what was scheduled by other processes, and listens again after whatever happens to the connection. */
export class Listener {
  readonly #options: ListenerOptions
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  /** Resolves when the first attempt to listen is over, whatever came of it. */
  readonly tried: Promise<void>
  #triedOnce: () => void = () => undefined
  #arrived: (payload: string) => void = () => undefined
  #isSaid = false

  constructor(options: ListenerOptions) {
    this.#options = options
    this.tried = new Promise((resolve) => {
      this.#triedOnce = resolve
    })
    this.#running = this.#run()
  }

  /** Whoever is connecting just now, for however long, ends by itself. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#running, pause(ENDS_WITHIN_MS, undefined, { ref: false })])
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        if (await this.#listen()) failures = 0
      } catch (error) {
        this.#say('could not listen to PostgreSQL', { error: errorText(error) })
      }
      await this.#pause(backoff(failures, { maxMs: LONGEST_PAUSE_MS }))
    }
  }

  /** Until the connection is of no more use. Whether anything could be heard on it. */
  async #listen(): Promise<boolean> {
    const { open, heard } = this.#options
    const lost = new AbortController()
    const end = await open(
      (payload) => this.#heard(payload),
      () => lost.abort(),
    ).finally(this.#triedOnce)
    let hasHeard = false
    try {
      while (await this.#isHeard(lost.signal)) {
        if (!hasHeard) heard(0)
        hasHeard = true
        this.#isSaid = false
        await this.#pause(TRY_EVERY_MS, lost.signal)
      }
    } finally {
      await end().catch(() => undefined)
    }
    if (!this.#stop.signal.aborted && !lost.signal.aborted && !hasHeard)
      this.#say('LISTEN brings no notifications, as through PgBouncer: what others schedule waits for the backstop')
    return hasHeard
  }

  /** Whether a notification of our own comes back. */
  async #isHeard(lost: AbortSignal): Promise<boolean> {
    if (lost.aborted || this.#stop.signal.aborted) return false
    const nonce = randomUUID()
    const back = new AbortController()
    this.#arrived = (payload) => {
      if (payload === nonce) back.abort()
    }
    await this.#options.notify(nonce)
    await this.#pause(ARRIVES_WITHIN_MS, AbortSignal.any([lost, back.signal]))
    return back.signal.aborted && !lost.aborted
  }

  #heard(payload: string): void {
    if (/^-?\d+$/.test(payload)) this.#options.heard(Number(payload))
    else this.#arrived(payload)
  }

  async #pause(ms: number, signal?: AbortSignal): Promise<void> {
    const signals = [this.#stop.signal, ...(signal ? [signal] : [])]
    await pause(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => undefined)
  }

  /** Once for each outage. */
  #say(what: string, data: Record<string, unknown> = {}): void {
    if (!this.#isSaid) this.#options.logger.warn(what, data)
    this.#isSaid = true
  }
}
