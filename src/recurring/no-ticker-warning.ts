import { errorText } from '../base/errors.js'
import type { Logger } from '../base/logger.js'

/** A process that consumes looks for the queue of ticks every 30 s at first. */
const PATIENCE_MS = 60_000

/** Warns once if nobody handles the ticks of a process that sets recurring messages. */
export class NoTickerWarning {
  readonly #tickers: () => Promise<number | undefined>
  readonly #logger: Logger
  readonly #patienceMs: number
  #isAsked = false

  /** @param tickers counts the consumers of the queue of ticks; undefined if that is not known */
  constructor(tickers: () => Promise<number | undefined>, logger: Logger, patienceMs = PATIENCE_MS) {
    this.#tickers = tickers
    this.#logger = logger
    this.#patienceMs = patienceMs
  }

  /** To be called when ticks are to be sent. Looks once, a while later. */
  lookLater(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    setTimeout(() => void this.#look(), this.#patienceMs).unref()
  }

  async #look(): Promise<void> {
    try {
      if ((await this.#tickers()) !== 0) return
      const mend = 'Start `dueque ticker`, or a process that consumes'
      this.#logger.warn(`recurring messages are set, and no ticker runs: none of them is sent. ${mend}`)
    } catch (error) {
      // Such as of a connection that is closed meanwhile.
      this.#logger.debug('tickers were not counted', { error: errorText(error) })
    }
  }
}
