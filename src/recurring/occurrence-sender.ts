import type { Clock } from '../base/clock.js'
import { DuequeError, errorText, isDuequeError, isForEver, shown, type ErrorCode } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { inNoContext } from '../base/no-context.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { userHeaders } from '../message/headers.js'
import { isoTime } from '../message/iso-time.js'
import { receiptOf, type Receipt } from '../message/receipt.js'
import { ownHeaders } from '../schedule/replacement.js'
import type { Strategy, WaitOptions } from '../strategies/strategy.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import type { RecurringDefinition } from './definition.js'
import { occurrenceOf } from './occurrence.js'

export interface OccurrenceSettings {
  readonly strategy: Pick<Strategy, 'schedule'>
  readonly clock: Clock
  readonly logger: Logger
  readonly hooks: TelemetryHooks | undefined
  readonly onError: (error: DuequeError) => void
}

/**
 * No other attempt can mend them: the message or its destination is to blame. A right that this user lacks is not among them:
 * without it, a ticker leaves the tick to another user.
 */
const IN_VAIN: readonly ErrorCode[] = [
  'DESTINATION_MISSING',
  'TOPOLOGY_MISMATCH',
  'RESERVED_NAME',
  'NAME_TOO_LONG',
  'HEADERS_TOO_LARGE',
  'INVALID_OPTION',
  'DELAY_OUT_OF_RANGE',
]
/** A schedule whose occurrences fail is reported at most once in this time. */
const REPORT_AGAIN_MS = 3_600_000
/** Of schedules that were reported. */
const MOST_REPORTED = 1000

/** Schedules the occurrences of recurring messages, each within the hooks of telemetry, as the schedule of no caller. */
export class OccurrenceSender {
  readonly #settings: OccurrenceSettings
  /** By the monotonic time. */
  readonly #reportedAt = new Map<string, number>()

  constructor(settings: OccurrenceSettings) {
    this.#settings = settings
  }

  /**
   * Schedules the occurrence of one time. One that cannot be scheduled at all, such as one whose queue is gone, is reported and
   * left out.
   *
   * @returns the message that waits; undefined if it was left out
   * @throws DuequeError where another attempt may succeed
   */
  async send(
    definition: RecurringDefinition,
    time: number,
    options: Pick<WaitOptions, 'signal' | 'timeoutMs'>,
  ): Promise<DelayedMessage | undefined> {
    const message = occurrenceOf(definition, time, this.#settings.clock.now())
    try {
      await this.#scheduleBound(message, options)
      return message
    } catch (error) {
      if (!isInVain(error)) throw error
      this.#report(definition, time, error)
      return undefined
    }
  }

  /** A user who may not bind the destination relies on the process that has set the schedule: it has bound it. */
  async #scheduleBound(message: DelayedMessage, options: Pick<WaitOptions, 'signal' | 'timeoutMs'>): Promise<void> {
    try {
      await this.#schedule(message, { ...options, declare: false })
    } catch (error) {
      if (!isDuequeError(error, 'PERMISSION_DENIED')) throw error
      await this.#schedule(message, { ...options, declare: false, bind: false })
    }
  }

  #schedule(message: DelayedMessage, options: WaitOptions): Promise<Receipt> {
    const { strategy, hooks } = this.#settings
    const schedule = async (draft: DelayedMessage) => {
      await strategy.schedule(draft, options)
      return receiptOf(draft, undefined)
    }
    if (!hooks?.has('schedule')) return schedule(message)
    // No hook sees headers of ours.
    const own = ownHeaders(message.headers)
    const draft = { ...message, headers: userHeaders(message.headers) }
    const send = (seen: typeof draft) => schedule({ ...seen, headers: { ...own, ...seen.headers } })
    return inNoContext(() => hooks.schedule(draft, send, { own }))
  }

  #report({ id }: RecurringDefinition, time: number, error: DuequeError): void {
    const { clock, logger, onError } = this.#settings
    const now = clock.monotonic()
    if (now - (this.#reportedAt.get(id) ?? -Infinity) < REPORT_AGAIN_MS) return
    if (this.#reportedAt.size >= MOST_REPORTED) this.#reportedAt.clear()
    this.#reportedAt.set(id, now)
    const at = isoTime(time)
    logger.error('an occurrence of a recurring message was left out', { id, time: at, error: errorText(error) })
    const message = `the recurring message ${shown(id)} has no occurrence at ${at}: ${error.message}`
    onError(new DuequeError(error.code, message, error.data, { cause: error }))
  }
}

function isInVain(error: unknown): error is DuequeError {
  return isForEver(error) || (isDuequeError(error) && IN_VAIN.includes(error.code))
}
