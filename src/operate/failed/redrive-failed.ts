import type { ConnectionEvents } from '../../amqp/connection/connection.js'
import { quietEvents } from '../../amqp/connection/quiet-events.js'
import { aFunction, anAbortSignal, anything, flag, type Rule } from '../../base/checks.js'
import { DuequeError } from '../../base/errors.js'
import type { Destination } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { operatorSettings, type OnProgress, type OperatorOptions, type OperatorSettings } from '../operator-settings.js'
import { aFilter, FilteredMessages, type FailedFilter } from './failed-filter.js'
import { idOf, type FailedKind } from './failed-kind.js'
import type { FailedQueue } from './failed-queue.js'
import { namespaceBindings } from './namespace-bindings.js'
import { Redrive, type RedrivePlan } from './redrive.js'
import { withFailedQueue } from './with-failed-queue.js'

export interface RedriveFailedOptions extends OperatorOptions {
  /** @default all messages */
  filter?: FailedFilter | undefined
  /**
   * Sends them there, instead of where each belongs. An exchange without a routing key gets that of the message. A batch stays,
   * with `INVALID_OPTION`: only the consumers of its own queue can read it.
   */
  to?: Destination | undefined
  /** Destinations to bind in the namespace. Others that messages name themselves have to be bound already. @default none */
  bind?: readonly Destination[] | undefined
  /** Declares missing queues, of those in `to` and `bind`, or the work queue of dead messages. @default false */
  declare?: boolean | undefined
  /** Messages at most. @default no limit */
  limit?: number | undefined
  /** @default no limit */
  ratePerSecond?: number | undefined
  /** Looks what would become of each message, and changes nothing: a message that is `sent` would be. @default false */
  dryRun?: boolean | undefined
  /** Ends it after the messages that are under way. */
  signal?: AbortSignal | undefined
  /** Called as soon as the fate of a message is known. */
  onResult?: ((result: RedriveResult) => void | Promise<void>) | undefined
  /** Messages settled, of how many at most. */
  onProgress?: OnProgress | undefined
  /** The work is done, and the messages that stay are given back. */
  onGivingBack?: (() => void) | undefined
  /** RabbitMQ takes no messages for now. */
  onBlocked?: ((reason: string) => void) | undefined
  onError?: ((error: Error) => void) | undefined
}

/** The fate of one message: sent on and removed here, or left in the queue. */
export type RedriveResult =
  | { id: string | undefined; sent: DelayedMessage }
  /** Consumers would give it up again. */
  | { id: string | undefined; expired: true }
  | { id: string | undefined; error: DuequeError }

export interface RedriveSummary {
  queue: string
  sent: number
  /** Messages of the filter that stayed. */
  left: number
  /** Ids of the filter for which there was no message; none if it was aborted. */
  missing: readonly string[]
  /** What ended it half-way, such as a lost connection. The messages that were not settled are in the queue again. */
  failure?: unknown
}

const aRate: Rule = (value) =>
  typeof value === 'number' && value > 0 ? undefined : 'messages a second, more than zero'
const aLimit: Rule = (value) => (typeof value === 'number' && value >= 0 ? undefined : 'a number of messages')

/**
 * Sends failed messages on: due ones at once, others when they are due. Removes each one here when the broker has confirmed
 * the new copy, so that nothing is lost if it is killed half-way; consumers suppress a copy that is there twice.
 *
 * @throws DuequeError `DESTINATION_MISSING` if there is no such queue, `PERMISSION_DENIED`; as `connect` does
 * @example
 * const { sent, left } = await redriveFailed(deadMessages('reminders'), { url, filter: { reason: ['handler-error'] } })
 */
export async function redriveFailed(kind: FailedKind, options: RedriveFailedOptions = {}): Promise<RedriveSummary> {
  const settings = operatorSettings(options, RULES)
  return withFailedQueue(settings, kind, async (queue) => {
    const run = new RedriveRun(kind, queue, options)
    const redrive = await (options.dryRun ? Redrive.openDry(settings) : Redrive.open(settings, eventsOf(options)))
    let broken: { failure?: unknown } = {}
    try {
      await redrive.run(queue, run.plan(settings))
    } catch (failure) {
      broken = { failure }
    } finally {
      await redrive.close()
    }
    options.onGivingBack?.()
    return { ...run.summary(), ...broken }
  })
}

const RULES: Readonly<Record<string, Rule>> = {
  filter: aFilter,
  to: anything,
  bind: anything,
  declare: flag,
  limit: aLimit,
  ratePerSecond: aRate,
  dryRun: flag,
  signal: anAbortSignal,
  onResult: aFunction,
  onProgress: aFunction,
  onGivingBack: aFunction,
  onBlocked: aFunction,
  onError: aFunction,
}

function eventsOf({ onBlocked: blocked, onError: error }: RedriveFailedOptions): ConnectionEvents {
  return quietEvents({ ...(blocked && { blocked }), ...(error && { error }) })
}

/** Counts the fates of the messages of one redrive, and reports them. */
class RedriveRun {
  readonly #kind: FailedKind
  readonly #queue: FailedQueue
  readonly #options: RedriveFailedOptions
  readonly #filtered: FilteredMessages
  #sent = 0
  #left = 0

  constructor(kind: FailedKind, queue: FailedQueue, options: RedriveFailedOptions) {
    this.#kind = kind
    this.#queue = queue
    this.#options = options
    this.#filtered = new FilteredMessages(options.filter ?? {}, kind)
  }

  plan(settings: OperatorSettings): RedrivePlan {
    const { to, bind = [], declare = false, limit = Infinity, dryRun, signal } = this.#options
    const { ratePerSecond = Infinity } = dryRun ? {} : this.#options
    const isFree = to !== undefined || !this.#kind.isSelfAddressed
    return {
      chosen: async (message) => {
        if (!this.#filtered.has(message)) return false
        if (!this.#kind.isExpired(message, settings.clock.now())) return true
        await this.#report({ id: idOf(message), expired: true })
        return false
      },
      sentOn: (message) => this.#kind.sentOn(message, to, settings.clock.now()),
      declare,
      isNamed: ({ queue, exchange }) => isFree || bind.some((one) => one.queue === queue && one.exchange === exchange),
      isBound: namespaceBindings(settings),
      limit,
      ratePerSecond,
      signal: signal ?? new AbortController().signal,
      settled: (message, outcome) => {
        const id = idOf(message)
        return this.#report(outcome instanceof DuequeError ? { id, error: outcome } : { id, sent: outcome })
      },
    }
  }

  summary(): RedriveSummary {
    const missing = this.#options.signal?.aborted ? [] : this.#filtered.missing
    return { queue: this.#queue.name, sent: this.#sent, left: this.#left, missing }
  }

  async #report(result: RedriveResult): Promise<void> {
    const { limit = Infinity, onProgress, onResult } = this.#options
    if ('sent' in result) this.#sent++
    else this.#left++
    await onResult?.(result)
    onProgress?.(this.#sent + this.#left, Math.min(limit, this.#queue.count))
  }
}
