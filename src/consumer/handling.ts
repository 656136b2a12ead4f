import type { Clock } from '../base/clock.js'
import type { Envelope } from '../message/envelope.js'
import { errorText, isDuequeError, stackOf } from '../base/errors.js'
import { isThenable } from '../base/is-thenable.js'
import type { Logger } from '../base/logger.js'
import { MAX_DEATH_STACK_BYTES, Refusal } from '../message/death.js'
import { HEADER, readInstant, readInteger, readText } from '../message/headers.js'
import { decodePayload } from '../message/definition.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import { chooseHandler } from './choose-handler.js'
import { Decider } from './decision.js'
import type { Delivery, Handler } from './delivery.js'
import { DROPPED, HANDLED, REQUEUE, type HandlingOutcome } from './handling-outcome.js'
import type { IncomingMessage } from './incoming-message.js'
import type { Retry } from './retry.js'
import { runAs, type RunningHandler } from './running-handler.js'

export interface HandlingSettings {
  queue: string
  handlers: readonly Handler[]
  retry: Retry
  /** 0: none. */
  handlerTimeoutMs: number
  maxDelayMs: number
  clock: Clock
  logger: Logger
  hooks?: TelemetryHooks | undefined
  /** Asked again if the schema took its time. @default nothing is cancelled */
  isCancelled?: ((envelope: Envelope) => boolean) | undefined
  /** Aborted when the time to drain is over. */
  closing: AbortSignal
  running: Pick<RunningHandler, 'connection' | 'consumer' | 'queue'>
}

/**
 * A message that was abandoned so often most likely ends its processes. The broker's own limit is far higher, since it counts
 * cut connections as well: docs/decisions/040-cut-connections-are-no-attempts.md.
 */
const MOST_ABANDONED = 50

/** Runs a message through its handler, and says what is to become of it. */
export class Handling {
  readonly #settings: HandlingSettings

  constructor(settings: HandlingSettings) {
    this.#settings = settings
  }

  /** Never rejects. */
  async run(incoming: IncomingMessage): Promise<HandlingOutcome> {
    const { queue, closing, maxDelayMs, logger } = this.#settings
    const decider = new Decider(maxDelayMs)
    const timer = this.#timer()
    let thrown: { error: unknown } | undefined
    let isDropped = false
    try {
      isDropped = !(await this.#call(incoming, decider, timer.signal))
    } catch (error) {
      thrown = { error }
      // A handler that is told to stop has not failed. A refusal is logged with the dead message.
      if (!closing.aborted && !(error instanceof Refusal))
        logger.warn('a handler threw', thrownBy(queue, incoming.envelope, error))
    }
    timer.stop()
    if (isDropped) return DROPPED
    const decision = decider.end()
    if (!decision && !thrown) return HANDLED
    // The broker has taken it back and delivers it again: it is decided about then.
    if (!incoming.arrival.live) return REQUEUE
    if (decision) {
      if (decision.kind === 'dead')
        return { kind: 'dead', reason: 'dead-lettered', error: decision.reason, failed: false }
      return {
        kind: 'retry',
        delayMs: decision.delayMs ?? this.#delayMs(incoming),
        error: thrown?.error,
        failed: false,
      }
    }
    if (closing.aborted) return REQUEUE
    return this.#failed(incoming, thrown?.error, timer.signal.aborted)
  }

  /** The outcome of a throw, by the policy. */
  #failed(incoming: IncomingMessage, error: unknown, isTimedOut: boolean): HandlingOutcome {
    const { attempts, retryable } = this.#settings.retry
    if (error instanceof Refusal) return { kind: 'dead', reason: error.reason, error, failed: false }
    if (failures(incoming) < attempts && this.#isRetryable(error, retryable)) {
      return { kind: 'retry', delayMs: this.#delayMs(incoming), error, failed: true }
    }
    return { kind: 'dead', reason: isTimedOut ? 'handler-timeout' : 'handler-error', error, failed: true }
  }

  #isRetryable(error: unknown, retryable: Retry['retryable']): boolean {
    try {
      return retryable(error)
    } catch (failure) {
      this.#settings.logger.error('retry.retryable threw: taken as true', { error: errorText(failure) })
      return true
    }
  }

  #delayMs(incoming: IncomingMessage): number {
    const { retry, maxDelayMs } = this.#settings
    return Math.min(retry.delayMs(failures(incoming)), maxDelayMs)
  }

  /**
   * Returns false if the message was cancelled while its schema was at work.
   *
   * @throws Refusal if no handler is to see the message, and what the handler throws
   */
  async #call(incoming: IncomingMessage, decider: Decider, signal: AbortSignal): Promise<boolean> {
    const { arrival, envelope } = incoming
    const handler = this.#handlerFor(incoming)
    let payload: unknown
    try {
      const decoded = decodePayload(handler.definition, arrival.body, envelope.version)
      payload = await decoded
      if (isThenable(decoded) && this.#settings.isCancelled?.(envelope)) return false
    } catch (error) {
      throw asRefusal(error)
    }
    const delivery = deliveryOf(incoming, payload, signal, decider)
    const { hooks, running } = this.#settings
    const { connection, consumer, queue } = running
    const context = { connection, consumer, queue, id: delivery.id, isOver: false }
    const handle = () => handler.handle(delivery as Delivery<never>)
    try {
      if (hooks?.has('process')) await this.#observed(hooks, delivery, () => runAs(context, handle))
      else await runAs(context, handle)
    } finally {
      context.isOver = true
    }
    return true
  }

  #observed(hooks: TelemetryHooks, delivery: Delivery, handle: () => unknown): Promise<void> {
    const { handlerTimeoutMs, queue } = this.#settings
    return hooks.process({ queue, delivery, handlerTimeoutMs }, async () => {
      await handle()
    })
  }

  #handlerFor({ arrival, envelope }: IncomingMessage): Handler {
    const { handlers, clock } = this.#settings
    const { expiresAt } = envelope
    const now = clock.now()
    if (expiresAt !== undefined && now >= expiresAt) {
      throw new Refusal('expired', `expired ${now - expiresAt} ms before its handler could start`)
    }
    if (arrival.abandoned > MOST_ABANDONED) {
      const why = `given to consumers ${arrival.abandoned} times and never settled: it may end their processes`
      throw new Refusal('delivery-limit', why)
    }
    const handler = chooseHandler(handlers, envelope)
    if (handler instanceof Refusal) throw handler
    return handler
  }

  /** The signal for a handler: of its own only if it has a time-out. */
  #timer(): { signal: AbortSignal; stop: () => void } {
    const { handlerTimeoutMs, closing, clock } = this.#settings
    if (handlerTimeoutMs === 0) return { signal: closing, stop: () => undefined }
    const controller = new AbortController()
    const abort = () => {
      cancel()
      controller.abort(closing.reason)
    }
    closing.addEventListener('abort', abort, { once: true })
    const cancel = clock.after(handlerTimeoutMs, () => {
      controller.abort(new DOMException(`the handler took longer than ${handlerTimeoutMs} ms`, 'TimeoutError'))
    })
    const stop = () => {
      cancel()
      closing.removeEventListener('abort', abort)
    }
    return { signal: controller.signal, stop }
  }
}

function deliveryOf(incoming: IncomingMessage, payload: unknown, signal: AbortSignal, decider: Decider): Delivery {
  const { arrival, envelope, dueAt, arrivedAt } = incoming
  const { properties, headers } = arrival
  const timestamp = readInteger(properties['timestamp'])
  return {
    name: envelope.name ?? '',
    id: envelope.id ?? '',
    payload,
    dueAt: new Date(dueAt),
    arrivedAt: new Date(arrivedAt),
    latenessMs: arrivedAt - dueAt,
    attempt: envelope.attempt,
    routingKey: arrival.routingKey,
    exchange: arrival.exchange,
    correlationId: readText(properties['correlationId']),
    priority: readInteger(properties['priority']),
    scheduledAt: dateOf(timestamp === undefined ? undefined : timestamp * 1000),
    scheduledFor: dateOf(headers[HEADER.scheduledFor]),
    backfilled: headers[HEADER.backfilled] === true,
    expiresAt: dateOf(envelope.expiresAt),
    headers: envelope.headers,
    signal,
    retry: (options) => decider.retry(options),
    deadLetter: (reason) => decider.deadLetter(reason),
  }
}

/** Foreign numbers may be no instants. */
function dateOf(value: unknown): Date | undefined {
  const ms = readInstant(value)
  return ms === undefined ? undefined : new Date(ms)
}

/** How often a handler has failed with it by now, as a retry policy counts. */
function failures({ envelope: { attempt, priorAttempts } }: IncomingMessage): number {
  return Math.max(attempt - priorAttempts, 1)
}

/** A payload that does not fit its schema has a reason of its own. Other errors are the handler's. */
export function asRefusal(error: unknown): unknown {
  return isDuequeError(error, 'INVALID_PAYLOAD') ? new Refusal('invalid-payload', error.message, error) : error
}

function thrownBy(queue: string, { id, attempt }: Envelope, error: unknown): Record<string, unknown> {
  return { queue, id, attempt, error: errorText(error), stack: stackOf(error, MAX_DEATH_STACK_BYTES) }
}
