import { RoundTrips } from './round-trips.js'

/** A tail whose end cannot be proved for so long is down. */
export const UNPROVED_MS = 30_000
/** How often the end is proved though nothing has happened: a reader whose replica was deleted hangs in silence. */
const PROVE_EVERY_MS = 15_000
const TICK_MS = 1000
/** So many round trips in the time for which the network may be silent. */
const ROUND_TRIPS = 2

/**
 * - `reading`: it may not have read every record yet: no message may be handled.
 * - `live`: it had read every record that was in the streams when it looked last.
 * - `down`: for 30 s it has neither been proved nor come nearer, though connected. It goes on trying.
 */
export type TailState = 'reading' | 'live' | 'down'

export interface TailProofSettings {
  /**
   * Resolves to true when every record was read that was there at the time of the call; to false if that cannot be known.
   * Must not reject.
   */
  prove: () => Promise<boolean>
  /** While the broker is away nothing can be read, and nothing is delivered. */
  isConnected: () => boolean
  /** As {@link RoundTripSettings.ask}. */
  ask: () => Promise<boolean>
  /** By the clock that messages are due by: milliseconds since the epoch. */
  now: () => number
  /** The event loop may stand still, and the network may be silent, for so long. */
  lateMs: number
  onState: (state: TailState, before: TailState) => void
  /** A message that could not be handled may be by now, in the same state. */
  onAnswer: () => void
}

/** Knows whether every cancellation was read, and proves it again whenever that may have changed. */
export class TailProof {
  readonly #settings: TailProofSettings
  #state: TailState = 'reading'
  #provedAt: number | undefined
  /** Raised whenever a proof that is under way proves nothing any more. */
  #losses = 0
  #isProving = false
  /** When the last look at the end began. */
  #lookedAt = 0
  #isClosed = false
  #trips: RoundTrips | undefined
  #ticking: ReturnType<typeof setInterval> | undefined
  /** Since the last proof, loss or progress, while connected. */
  #unprovedMs = 0
  readonly #waiting = new Set<() => void>()

  constructor(settings: TailProofSettings) {
    this.#settings = settings
  }

  get state(): TailState {
    return this.#state
  }

  /** When the last proof began: milliseconds since the epoch. */
  get provedAt(): number | undefined {
    return this.#provedAt
  }

  start(): void {
    const { lateMs, ask, now, onAnswer } = this.#settings
    const everyMs = Math.floor(lateMs / ROUND_TRIPS)
    this.#trips = new RoundTrips({ ask: () => this.#ask(ask), now, everyMs, onAnswer })
    this.#ticking = setInterval(() => this.#tick(), TICK_MS).unref()
    void this.#prove()
  }

  /**
   * For each handler that is to start, of a message that was ready at that time. False also if the event loop stood still, or the
   * network was silent, from some time before on: RabbitMQ is asked then, and answers behind every record.
   */
  isCurrent(readyAt: number): boolean {
    return this.#state === 'live' && this.#trips!.isAnsweredSince(readyAt - this.#settings.lateMs)
  }

  /** A reader has lost its place. Nothing is handled until all are proved again. */
  lost(): void {
    this.#losses++
    if (this.#isClosed || !this.#trips) return
    if (this.#state === 'live' || !this.#settings.isConnected()) this.#readAgain()
    void this.#prove()
  }

  /**
   * A record was read. One that was written before the look at the end began is progress: only a tail that stands still is
   * down, and to read a million records takes a while.
   *
   * @param writtenAt milliseconds since the epoch
   */
  read(writtenAt: number): void {
    if (this.#state === 'reading' && writtenAt < this.#lookedAt) this.#unprovedMs = 0
  }

  /** Resolves once the state is another than `reading`. */
  async known(): Promise<void> {
    while (this.#state === 'reading') await new Promise<void>((done) => this.#waiting.add(done))
  }

  close(): void {
    this.#isClosed = true
    this.#trips?.close()
    clearInterval(this.#ticking)
  }

  /** A loop that stood still has lost one tick, however long it was. */
  #tick(): void {
    if (!this.#settings.isConnected()) return this.#readAgain()
    this.#unprovedMs += TICK_MS
    if (this.#unprovedMs >= UNPROVED_MS) this.#become('down')
    if (this.#unprovedMs >= PROVE_EVERY_MS) void this.#prove()
  }

  async #ask(ask: () => Promise<boolean>): Promise<boolean> {
    const losses = this.#losses
    return this.#state === 'live' && (await ask()) && losses === this.#losses
  }

  #readAgain(): void {
    this.#unprovedMs = 0
    this.#become('reading')
  }

  async #prove(): Promise<void> {
    if (this.#isProving) return
    this.#isProving = true
    let [begunAt, askedAt, losses, isProved] = [0, 0, -1, true]
    while (isProved && losses !== this.#losses) {
      losses = this.#losses
      begunAt = this.#lookedAt = Date.now()
      askedAt = this.#settings.now()
      isProved = await this.#settings.prove()
    }
    this.#isProving = false
    if (this.#isClosed || !isProved) return
    this.#provedAt = begunAt
    this.#unprovedMs = 0
    this.#trips!.answered(askedAt)
    this.#become('live')
  }

  #become(state: TailState): void {
    const before = this.#state
    this.#state = state
    if (before !== state) this.#settings.onState(state, before)
    if (state === 'reading') return
    for (const done of this.#waiting) done()
    this.#waiting.clear()
  }
}
