import { WINDOW_MS } from './times.js'

/** The times of a ticker, in milliseconds. Tests shorten them. */
export interface TickerTimes {
  /** Every missing tick is sent once in this time. */
  readonly repairEveryMs: number
  /** The bookmark is replaced, and it is looked whether a repair is due. RabbitMQ 3.10 closes a channel that holds a message for 30 minutes. */
  readonly bookmarkMs: number
  /** A hello that was lost with its queue comes again by that time. */
  readonly helloMs: number
  /** A hello that comes before the bookmark of a predecessor that closes waits so long for it. */
  readonly graceMs: number
  /** A bookmark that was sent and has not arrived by then is lost. */
  readonly arrivalMs: number
  /** Without any success for so long, another ticker is to become the active one. */
  readonly patienceMs: number
  /** How long a ticker that has stepped back leaves the queue of ticks to others. */
  readonly restMs: number
  /** The times of one window are those of one tick. */
  readonly windowMs: number
}

export const TICKER_TIMES: TickerTimes = {
  repairEveryMs: 3_600_000,
  bookmarkMs: 300_000,
  helloMs: 3_600_000,
  graceMs: 1000,
  arrivalMs: 60_000,
  patienceMs: 60_000,
  restMs: 30_000,
  windowMs: WINDOW_MS,
}
