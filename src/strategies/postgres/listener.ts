import { setTimeout as pause } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { backoff } from '../../base/backoff.js'
import { errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'

/** How often the listener tests whether notifications arrive: a lost connection may give no sign. */
const TRY_EVERY_MS = 60_000
const ARRIVES_WITHIN_MS = 5000
const LONGEST_PAUSE_MS = 30_000
const ENDS_WITHIN_MS = 2000

export interface ListenerOptions {
  /** Listens on a connection. */
  open: (heard: (payload: string) => void, lost: () => void) => Promise<() => Promise<void>>
  /** Notifies all listeners, as a schedule does. */
  notify: (payload: string) => Promise<unknown>
  /** Called with the time at which a new message is ready; with 0 after a time without notifications. */
  heard: (readyAt: number) => void
  logger: Logger
}

/** Receives the notifications of schedules by other processes. Listens again, on a new connection, when one is lost. */
export class Listener {
  readonly #options: ListenerOptions
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  /** Resolves when the first attempt to listen has ended, also if it failed. */
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

  /** Does not wait long for an attempt to connect, which ends by itself. */
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

  /** Ends when the connection is of no more use. Resolves to whether notifications arrived on it. */
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

  /** Writes to the log once for each outage. */
  #say(what: string, data: Record<string, unknown> = {}): void {
    if (!this.#isSaid) this.#options.logger.warn(what, data)
    this.#isSaid = true
  }
}
