import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { StreamReader, StreamRecord } from '../amqp/receive/stream.js'
import { DuequeError, errorText } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Timeline } from '../base/clock.js'
import type { Envelope } from '../message/envelope.js'
import { CancelledRevisions } from './cancelled-revisions.js'
import { HORIZONS, type Horizon } from './horizons.js'
import type { CancellationLog } from './log.js'
import { LoopWatch } from './loop-watch.js'
import { decodeRecords } from './record.js'
import { startFailure } from './start-failure.js'

/** How far ahead of ours the broker's clock may be. */
const CLOCKS_DIFFER_MS = 60_000
/** A tail whose end cannot be proved for so long is reported. */
export const UNPROVED_MS = 30_000
/** How often the end is proved though nothing has happened: a reader whose replica was deleted hangs in silence. */
const PROVE_EVERY_MS = 15_000

export interface TailSettings {
  broker: AmqpBroker
  log: CancellationLog
  clock: Timeline
  logger: Logger
  /** Half of it is the most by which the event loop may be late. */
  marginMs: number
  /** How long records are remembered after their due time. */
  graceMs: number
  /** Called when {@link CancellationTail.state} changes. */
  onState: (state: TailState) => void
  /** Called when the tail cannot be proved. */
  onError: (error: DuequeError) => void
}

/**
 * - `reading`: it may not have read every record yet: no message may be handled.
 * - `live`: it had read every record that was in the streams when it looked last.
 * - `down`: it has been `reading` for 30 s. It goes on trying.
 */
export type TailState = 'reading' | 'live' | 'down'

/** Reads the cancellation streams of a namespace, and knows which messages are cancelled. */
export class CancellationTail {
  readonly #settings: TailSettings
  readonly #cancelled: CancelledRevisions
  #readers: StreamReader[] = []
  #starting: Promise<void> | undefined
  #state: TailState = 'reading'
  #provedAt = 0
  #unreadable = 0
  /** Raised whenever a proof that is under way proves nothing. */
  #generation = 0
  #isProving = false
  #isClosed = false
  #watch: LoopWatch | undefined
  #downTimer: ReturnType<typeof setTimeout> | undefined
  #proveTimer: ReturnType<typeof setInterval> | undefined
  #lastError: DuequeError | undefined
  readonly #waiting = new Set<() => void>()

  constructor(settings: TailSettings) {
    this.#settings = settings
    this.#cancelled = new CancelledRevisions(settings.graceMs)
  }

  get state(): TailState {
    return this.#state
  }

  /** Of this moment, for `health()`; undefined before the first {@link start}. */
  health() {
    if (!this.#starting) return undefined
    const { size: records } = this.#cancelled
    const provedAt = this.#provedAt === 0 ? undefined : new Date(this.#provedAt).toISOString()
    return { state: this.#state, records, unreadable: this.#unreadable, ...(provedAt && { provedAt }) }
  }

  /**
   * Starts reading, once.
   *
   * @throws DuequeError `UNSUPPORTED` on a broker without streams, `PERMISSION_DENIED`, `TOPOLOGY_MISSING`,
   * `TOPOLOGY_MISMATCH`; a later call tries again
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /** Resolves when every record was read, or when that cannot be proved within 30 s. */
  async proved(): Promise<void> {
    while (this.#state === 'reading' && !this.#isClosed) await new Promise<void>((done) => this.#waiting.add(done))
  }

  isCancelled({ id, revision }: Pick<Envelope, 'id' | 'revision'>): boolean {
    return id !== undefined && revision !== undefined && this.#cancelled.has(id, revision)
  }

  /** False also if the event loop stood still a moment ago: for every handler that is to start. */
  isCurrent(): boolean {
    if (this.#watch?.isLate()) this.#unproved()
    return this.#state === 'live'
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#watch?.close()
    clearTimeout(this.#downTimer)
    clearInterval(this.#proveTimer)
    this.#wake()
    await Promise.all(this.#readers.map((reader) => reader.close()))
  }

  async #start(): Promise<void> {
    const opened = await Promise.allSettled(HORIZONS.map((horizon) => this.#open(horizon)))
    this.#readers = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = opened.find((one) => one.status === 'rejected')
    if (failed) {
      await Promise.all(this.#readers.map((reader) => reader.close()))
      throw startFailure(failed.reason, this.#settings.log.layout)
    }
    this.#watch = new LoopWatch(this.#settings.marginMs / 2, () => this.#unproved())
    this.#proveTimer = setInterval(() => void this.#proveAgain(), PROVE_EVERY_MS).unref()
    this.#unproved()
  }

  #open(horizon: Horizon): Promise<StreamReader> {
    const { broker, log, clock, graceMs } = this.#settings
    return broker.readStream({
      queue: log.layout.stream(horizon),
      from: clock.now() - horizon.ms - graceMs - CLOCKS_DIFFER_MS,
      declare: (topology) => log.declare(topology),
      onRecord: (record) => this.#read(record),
      onError: (error) => (this.#lastError = error),
      onLost: () => this.#unproved(),
    })
  }

  #read({ body, writtenAt }: StreamRecord): void {
    const now = this.#settings.clock.now()
    for (const record of decodeRecords(body, (error) => this.#skipped(error)))
      this.#cancelled.add(record, writtenAt ?? now, now)
  }

  #skipped(error: Error): void {
    this.#unreadable++
    this.#settings.logger.warn('a cancellation could not be read: skipped', { error: errorText(error) })
  }

  /** The end has to be proved again, before another message is handled. */
  #unproved(): void {
    this.#generation++
    if (this.#isClosed) return
    if (this.#state === 'live' || this.#downTimer === undefined) {
      this.#downTimer ??= setTimeout(() => this.#down(), UNPROVED_MS).unref()
      this.#become('reading')
    }
    void this.#prove()
  }

  async #prove(): Promise<void> {
    if (this.#isProving) return
    this.#isProving = true
    for (let generation = -1; generation !== this.#generation && !this.#isClosed;) {
      generation = this.#generation
      await Promise.all(this.#readers.map((reader) => reader.reached())).catch(() => undefined)
    }
    this.#isProving = false
    if (this.#isClosed) return
    clearTimeout(this.#downTimer)
    this.#downTimer = undefined
    this.#lastError = undefined
    this.#provedAt = this.#settings.clock.now()
    this.#become('live')
  }

  /** Without closing the gate. */
  async #proveAgain(): Promise<void> {
    this.#cancelled.forget(this.#settings.clock.now())
    if (this.#state !== 'live') return
    for (const reader of this.#readers) {
      const generation = this.#generation
      const late = setTimeout(() => {
        reader.restart()
        this.#unproved()
      }, UNPROVED_MS - PROVE_EVERY_MS).unref()
      await reader.reached().catch(() => undefined)
      clearTimeout(late)
      if (generation !== this.#generation) return
    }
    this.#provedAt = this.#settings.clock.now()
  }

  #down(): void {
    const message = `the cancellations of this namespace could not be read for ${UNPROVED_MS / 1000} s`
    const cause = this.#lastError
    const why = cause ? `: ${cause.message}` : ''
    this.#settings.onError(new DuequeError('CANCELLATIONS_UNREAD', `${message}${why}`, {}, { cause }))
    this.#become('down')
  }

  #become(state: TailState): void {
    if (this.#state !== state) {
      this.#state = state
      this.#settings.onState(state)
    }
    if (state !== 'reading') this.#wake()
  }

  #wake(): void {
    for (const done of this.#waiting) done()
    this.#waiting.clear()
  }
}
