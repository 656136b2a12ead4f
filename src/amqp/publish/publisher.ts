import { AsyncResource } from 'node:async_hooks'
import { aborted, DuequeError, withOutcome } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { SharedSignals } from '../../base/shared-signals.js'
import type { AmqpConnection } from '../connection/connection.js'
import type { Topology } from '../topology/topology.js'
import {
  mayHaveArrived,
  STATE,
  type DeliveryOptions,
  type Publication,
  type PublicationEnd,
  type PublishedMessage,
  type PublishPlan,
} from './publication.js'
import { Sender } from './sender.js'
import { Unsettled } from './unsettled.js'

export interface PublisherSettings {
  /** Unconfirmed messages on the wire at most; the others wait here. */
  maxInFlight: number
  /** An unconfirmed message fails after this time. */
  timeoutMs: number
  /** Hears of returned messages. */
  topology: Pick<Topology, 'epoch' | 'returned'>
  logger: Logger
  /** @default {@link SILENT_MS} */
  silentMs?: number
}

const SWEEP_MS = 250
/**
 * A message without a time limit that RabbitMQ has neither confirmed nor refused for so long is sent again, on another channel: after a
 * partition, RabbitMQ 4.3.6 never answers some publishes of a connection that stays alive. After each attempt it may take twice as
 * long, up to {@link MOST_DOUBLINGS} times, because a queue without a majority does not answer either.
 */
const SILENT_MS = 60_000
const MOST_DOUBLINGS = 4

/**
 * Publishes with confirms. A promise resolves when RabbitMQ has taken responsibility for the message, however many attempts
 * that takes ({@link Sender}). It rejects within `timeoutMs`, with an error whose `outcome` tells whether the message may
 * have arrived.
 */
export class Publisher {
  readonly #timeoutMs: number
  readonly #silentMs: number
  readonly #connection: AmqpConnection
  readonly #logger: Logger
  readonly #unsettled: Unsettled
  readonly #sender: Sender
  readonly #signals = new SharedSignals<Publication>((publications, signal) => this.#aborted(publications, signal))
  /** When an alarm was last seen, by `performance.now()`. */
  #blockedAt = -Infinity
  #sweeper: ReturnType<typeof setInterval> | undefined
  #isClosed = false
  #whenIdle: (() => void) | undefined

  constructor(connection: AmqpConnection, settings: PublisherSettings) {
    const { maxInFlight, timeoutMs, topology, logger, silentMs = SILENT_MS } = settings
    this.#timeoutMs = timeoutMs
    this.#silentMs = silentMs
    this.#connection = connection
    this.#logger = logger
    this.#unsettled = new Unsettled(maxInFlight)
    this.#sender = new Sender(connection, this.#unsettled, {
      topology,
      settle: (publication, error) => this.#settle(publication, error),
    })
  }

  /** @throws DuequeError `PUBLISH_TIMEOUT`, `PERMISSION_DENIED`, `BODY_TOO_LARGE`, `MESSAGE_REFUSED`, `ABORTED`, `CLOSED`, and what the plan throws */
  publish(message: PublishedMessage, plan: PublishPlan, options: DeliveryOptions): Promise<void> {
    return new Promise((confirmed, failed) => this.send(message, plan, options, { confirmed, failed }))
  }

  /** As {@link publish}, without a promise. */
  send(
    message: PublishedMessage,
    plan: PublishPlan,
    { signal, timeoutMs = this.#timeoutMs }: DeliveryOptions,
    end: PublicationEnd,
  ): void {
    if (this.#isClosed) return end.failed(new DuequeError('CLOSED', 'dueque is closed', {}))
    if (signal?.aborted) return end.failed(aborted(signal))
    const publication: Publication = {
      message,
      plan,
      signal,
      timeoutMs,
      startedAt: performance.now(),
      end,
      state: STATE.queued,
      slot: -1,
      exchange: '',
      epoch: 0,
      sentAt: 0,
      attempts: 0,
      refusals: 0,
      isUnanswered: false,
      context: new AsyncResource('dueque.publish'),
    }
    if (signal) this.#signals.add(publication, signal)
    this.#unsettled.add(publication)
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS)
    this.#sender.pump()
  }

  /** Waits until all publications are settled, then closes the channel. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#unsettled.count > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    clearInterval(this.#sweeper)
    await this.#sender.close()
  }

  /** All publications that are not settled fail with `CLOSED`. */
  destroy(): void {
    this.#isClosed = true
    this.#sender.sendHeldAgain()
    const error = new DuequeError('CLOSED', 'dueque was closed before the broker confirmed', {})
    for (const publication of this.#unsettled.find(() => true)) this.#settle(publication, error)
  }

  /** How many publications are not settled yet. */
  get unsettled(): number {
    return this.#unsettled.count
  }

  #settle(publication: Publication, error?: DuequeError): void {
    if (publication.state === STATE.settled) return
    const failure = error && withOutcome(error, mayHaveArrived(publication) ? 'unknown' : 'refused')
    if (publication.signal) this.#signals.delete(publication, publication.signal)
    this.#unsettled.settle(publication)
    if (failure) publication.end.failed(failure)
    else publication.end.confirmed()
    if (this.#unsettled.count > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
    this.#whenIdle?.()
  }

  #sweep(): void {
    if (this.#unsettled.queue.endStuckSearch()) this.#sender.pump()
    const now = performance.now()
    const late = this.#unsettled.find(({ startedAt, timeoutMs }) => startedAt + timeoutMs <= now)
    for (const publication of late) this.#settle(publication, timeoutError(publication))
    if (late.length > 0) this.#sender.pump()
    this.#endSilence(now)
  }

  /** An alarm is a good reason for silence, and RabbitMQ takes a while to answer when it ends. */
  #endSilence(now: number): void {
    if (this.#connection.blocked !== undefined) this.#blockedAt = now
    const patience = (attempts: number) => this.#silentMs * 2 ** Math.min(attempts, MOST_DOUBLINGS)
    const isSilent = ({ timeoutMs, sentAt, attempts }: Publication) =>
      timeoutMs === Infinity && Math.max(sentAt, this.#blockedAt) + patience(attempts) <= now
    const silent = [...this.#unsettled.inFlight].filter(isSilent).length
    if (silent === 0) return this.#sender.keepChannel()
    if (!this.#sender.endChannel(silent, now)) return
    this.#logger.warn('the broker does not answer publishes: they are sent again on another channel', { silent })
  }

  #aborted(publications: ReadonlySet<Publication>, signal: AbortSignal): void {
    const error = aborted(signal)
    for (const publication of publications) this.#settle(publication, error)
    this.#sender.pump()
  }
}

function timeoutError({ startedAt }: Publication): DuequeError<'PUBLISH_TIMEOUT'> {
  const waitedMs = Math.round(performance.now() - startedAt)
  return new DuequeError('PUBLISH_TIMEOUT', `the broker did not confirm within ${waitedMs} ms`, { waitedMs })
}
