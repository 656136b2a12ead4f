import { AmqpBroker } from '../../amqp/amqp-broker.js'
import { quietEvents } from '../../amqp/connection/quiet-events.js'
import { MAX_BYTES_IN_FLIGHT } from '../../amqp/publish/in-flight.js'
import type { DuequeError } from '../../base/errors.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { runAll, type Place } from '../../schedule/run-all.js'
import { openSession } from '../../session.js'
import { isOfBroker } from '../is-of-broker.js'
import { pace } from '../pace.js'
import type { RestoreSettings } from './restore-options.js'

/** The outcome of the messages of a plan. */
export interface RestoreCounts {
  /** Messages that were scheduled again. */
  readonly restored: number
  /** Messages that could not be scheduled. */
  readonly failed: number
  /** Messages that were not scheduled, because their records are gone by now or it ended half-way. */
  readonly left: number
  /** What ended it half-way, such as a lost connection. A repetition does the rest. */
  readonly failure?: unknown
}

/**
 * Schedules lost messages again.
 *
 * @param messages how many there are
 * @throws DuequeError as `connect` does
 */
export async function runRestore(
  lost: AsyncIterable<DelayedMessage>,
  settings: RestoreSettings,
  messages: number,
): Promise<RestoreCounts> {
  const { target, strategy, onBlocked: blocked, onError: error } = settings
  const events = quietEvents({ ...(blocked && { blocked }), ...(error && { error }) })
  // The signal ends a run between two messages, and not the opening.
  const options = { ...target, strategy, signal: undefined }
  const session = await openSession(new AmqpBroker(target, events), options, { onError: events.error })
  const run = new RestoreRun(settings, messages)
  try {
    await run.over(lost)
    return run.counts
  } catch (failure) {
    return { ...run.counts, failure }
  } finally {
    await session.close()
  }
}

class RestoreRun {
  readonly #settings: RestoreSettings
  readonly #messages: number
  #restored = 0
  #failed = 0
  #failure: DuequeError | undefined

  constructor(settings: RestoreSettings, messages: number) {
    this.#settings = settings
    this.#messages = messages
  }

  get counts(): RestoreCounts {
    const [restored, failed] = [this.#restored, this.#failed]
    return { restored, failed, left: this.#messages - restored - failed }
  }

  /** @throws the error that ended it, once the messages under way are settled */
  async over(lost: AsyncIterable<DelayedMessage>): Promise<void> {
    const { target, strategy, declare = false, onProgress } = this.#settings
    const { maxInFlight, maxBodyBytes } = target
    const bodyBytes = Math.min(maxBodyBytes, MAX_BYTES_IN_FLIGHT / 4)
    const work = {
      run: (message: DelayedMessage, place: Place) => {
        place.sized(message.body.byteLength)
        return strategy.schedule(message, { declare, restored: true })
      },
      done: () => ({}),
    }
    const capacity = { messages: maxInFlight, bytes: MAX_BYTES_IN_FLIGHT, bodyBytes }
    for await (const { item, error } of runAll(this.#whileGood(lost), work, capacity)) {
      if (error) await this.#failedWith(item, error)
      else this.#restored++
      onProgress?.(this.#restored + this.#failed, this.#messages)
    }
    if (this.#failure) throw this.#failure
  }

  /** Ends before the next message when it is aborted, or the broker fails. */
  async *#whileGood(lost: AsyncIterable<DelayedMessage>): AsyncGenerator<DelayedMessage, void, undefined> {
    const { ratePerSecond = Infinity, signal } = this.#settings
    const turn = pace(ratePerSecond, signal)
    for await (const message of lost) {
      await turn()
      if (signal.aborted || this.#failure) return
      yield message
    }
  }

  async #failedWith({ id }: DelayedMessage, error: DuequeError): Promise<void> {
    if (isOfBroker(error)) this.#failure ??= error
    this.#failed++
    await this.#settings.onFailed?.(id, error)
  }
}
