import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { StreamReader, StreamRecord } from '../amqp/receive/stream.js'
import { DuequeError, errorText } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Clock } from '../base/clock.js'
import { throttle } from '../base/throttle.js'
import type { CancellationHealth } from '../health.js'
import type { Envelope } from '../message/envelope.js'
import { CancelledRevisions } from './cancelled-revisions.js'
import { CLOCKS_DIFFER_MS, HORIZONS, type Horizon } from '../log/horizons.js'
import type { StreamLog } from '../log/stream-log.js'
import { decodeRecords } from './record.js'
import { startFailure } from './start-failure.js'
import { TailProof, UNPROVED_MS, type TailState } from './tail-proof.js'

const FORGET_EVERY_MS = 15_000

export interface TailSettings {
  broker: AmqpBroker
  log: StreamLog
  clock: Clock
  logger: Logger
  /** Half of it is the most by which the event loop may be late. */
  marginMs: number
  /** How long records are remembered after their due time. */
  graceMs: number
  /** What else can be done if the streams cannot be read at the start, for the text of the error. */
  otherwise?: string | undefined
  /** Called when {@link CancellationTail.state} changes. */
  onState: (state: TailState) => void
  /** Called when {@link CancellationTail.isCurrent} may have another answer in the same state. */
  onAnswer: () => void
  /** Called once when the tail is down. */
  onError: (error: DuequeError) => void
}

/** Reads the cancellation streams of a namespace, and knows which messages are cancelled. */
export class CancellationTail {
  readonly #settings: TailSettings
  readonly #cancelled: CancelledRevisions
  readonly #isNews: (what: string) => boolean
  readonly #closing = new AbortController()
  readonly #closed = new Promise<void>((resolve) => this.#closing.signal.addEventListener('abort', () => resolve()))
  #proof: TailProof
  #readers: readonly StreamReader[] = []
  #starting: Promise<unknown> | undefined
  #unreadable = 0
  #forgetting: ReturnType<typeof setInterval> | undefined
  #lastError: DuequeError | undefined

  constructor(settings: TailSettings) {
    this.#settings = settings
    this.#cancelled = new CancelledRevisions(settings.graceMs)
    this.#isNews = throttle(settings.clock)
    this.#proof = this.#newProof(Promise.resolve([]))
  }

  get state(): TailState {
    return this.#proof.state
  }

  /** Of this moment, for `health()`; undefined before the first {@link start}. */
  health(): CancellationHealth | undefined {
    if (!this.#starting) return undefined
    const { state, provedAt } = this.#proof
    const proved = provedAt !== undefined && { provedAt: new Date(provedAt).toISOString() }
    return { state, records: this.#cancelled.size, unreadable: this.#unreadable, ...proved }
  }

  /**
   * Starts reading, once. Resolves when every record was read, or when that cannot be proved within 30 s.
   *
   * @throws DuequeError `UNSUPPORTED` on a broker without streams, `PERMISSION_DENIED`, `TOPOLOGY_MISSING`,
   * `TOPOLOGY_MISMATCH`; a later call tries again
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    // A reader that cannot open yet is waited for no longer than the proof.
    const known = this.#proof.known()
    return Promise.race([this.#starting.then(() => known), known, this.#closed])
  }

  isCancelled({ id, revision }: Pick<Envelope, 'id' | 'revision'>): boolean {
    return id !== undefined && revision !== undefined && this.#cancelled.has(id, revision)
  }

  /** Whether every record was read that concerns a message which was ready at that time. Asked for every handler that is to start. */
  isCurrent(readyAt: number): boolean {
    return this.#proof.isCurrent(readyAt)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#proof.close()
    clearInterval(this.#forgetting)
    await Promise.all(this.#readers.map((reader) => reader.close()))
  }

  async #start(): Promise<void> {
    const { clock, log, otherwise } = this.#settings
    const attempt = new AbortController()
    const closing = AbortSignal.any([this.#closing.signal, attempt.signal])
    const opening = Promise.all(HORIZONS.map((horizon) => this.#open(horizon, closing)))
    const proof = (this.#proof = this.#newProof(opening))
    proof.start()
    try {
      this.#readers = await opening
    } catch (error) {
      attempt.abort()
      proof.close()
      throw startFailure(error, log.layout, otherwise)
    }
    this.#forgetting ??= setInterval(() => this.#cancelled.forget(clock.now()), FORGET_EVERY_MS).unref()
  }

  #newProof(opening: Promise<readonly StreamReader[]>): TailProof {
    const { broker, clock, marginMs, onAnswer } = this.#settings
    const reached = async () => {
      for (const one of await Promise.allSettled((await opening).map((reader) => reader.reached())))
        if (one.status === 'rejected') throw one.reason
    }
    return new TailProof({
      prove: () =>
        reached().then(
          () => true,
          () => false,
        ),
      ask: async () => (await Promise.all(this.#readers.map((reader) => reader.answered()))).every(Boolean),
      now: () => clock.now(),
      isConnected: () => broker.isConsuming,
      lateMs: marginMs / 2,
      onState: (state, before) => this.#changed(state, before),
      onAnswer,
    })
  }

  #open(horizon: Horizon, closing: AbortSignal): Promise<StreamReader> {
    const { broker, log, clock, graceMs } = this.#settings
    return broker.readStream({
      queue: log.layout.stream(horizon),
      from: clock.now() - horizon.ms - graceMs - CLOCKS_DIFFER_MS,
      declare: (topology) => log.declare(topology),
      onRecord: (record) => this.#read(record),
      onError: (error) => (this.#lastError = error),
      onLost: () => this.#proof.lost(),
      closing,
    })
  }

  #read({ body, offset, writtenAt }: StreamRecord): void {
    const now = this.#settings.clock.now()
    for (const record of decodeRecords(body, (error) => this.#skipped(error, offset)))
      this.#cancelled.add(record, writtenAt ?? now, now)
    this.#proof.read(writtenAt ?? now)
  }

  #skipped(error: Error, offset: number): void {
    this.#unreadable++
    const { logger } = this.#settings
    if (this.#isNews('unreadable'))
      logger.warn('a cancellation could not be read: skipped', { offset, error: errorText(error) })
  }

  #changed(state: TailState, before: TailState): void {
    const { logger, onState } = this.#settings
    if (before === 'down') logger.info('every cancellation of this namespace is read again')
    onState(state)
    if (state === 'down') this.#down()
    else if (state === 'live') this.#lastError = undefined
  }

  #down(): void {
    const { logger, onError } = this.#settings
    const message = `for ${UNPROVED_MS / 1000} s it could not be proved that every cancellation of this namespace is read`
    const cause = this.#lastError
    const reason = cause?.message ?? 'RabbitMQ sends no records of the streams'
    logger.error('cancellations are not read: consumers do as their option onTailDown says', { error: reason })
    onError(
      new DuequeError(
        'CANCELLATIONS_UNREAD',
        `${message}: ${reason}. \`dueque doctor\` looks for the cause`,
        {},
        { cause },
      ),
    )
  }
}
