import type { Timeline } from '../../base/clock.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import { SharedRuns } from '../../base/shared-runs.js'
import { horizonFor, type Horizon } from '../../log/horizons.js'
import type { StreamLog } from '../../log/stream-log.js'

/** Knows whether the streams of a journal take records, before a message is sent that would not be in it. */
export class JournalStreams {
  readonly #log: StreamLog
  readonly #clock: Timeline
  readonly #asking = new SharedRuns<Horizon>()
  #isClosed = false

  constructor(log: StreamLog, clock: Timeline) {
    this.#log = log
    this.#clock = clock
  }

  /**
   * Undefined if the stream for this time takes records.
   *
   * @param due milliseconds since the epoch
   * @throws DuequeError what a record throws, but `PUBLISH_TIMEOUT`: the message has a time limit of its own
   */
  untilReady(due: number): Promise<void> | undefined {
    const horizon = horizonFor(due, this.#clock.now())
    if (this.#log.takes(horizon)) return undefined
    return this.#asking.do(horizon, () => this.#ask(horizon))
  }

  close(): void {
    this.#isClosed = true
  }

  async #ask(horizon: Horizon): Promise<void> {
    for (;;) {
      try {
        return await this.#log.ready(horizon)
      } catch (error) {
        if (this.#isClosed || !isDuequeError(error, 'PUBLISH_TIMEOUT'))
          throw explained(error, this.#log.layout.exchange)
      }
    }
  }
}

function explained(error: unknown, exchange: string): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const advice: Partial<Record<typeof code, string>> = {
    PERMISSION_DENIED: `The journal needs the right to write to ${exchange}, and to configure its streams unless topology is 'trust'`,
    TOPOLOGY_MISSING: '`dueque topology apply --journal` declares the streams of the journal',
    TOPOLOGY_MISMATCH:
      'Another program declared it. Delete it if nothing of it is needed, and the next schedule declares it',
    UNSUPPORTED: 'A journal needs streams; the strategies redis and postgres can show their messages without',
  }
  const what = 'the journal cannot be written, and the message is not sent'
  const text = [`${what}: ${message}`, ...(advice[code] === undefined ? [] : [advice[code]])].join('. ')
  return new DuequeError(code, text, data, { cause: error })
}
