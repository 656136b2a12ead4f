import { MAX_BYTES_IN_FLIGHT } from '../amqp/publish/in-flight.js'
import type { Logger } from '../base/logger.js'
import type { Receipt } from '../message/receipt.js'
import type { CancelResult } from './cancel-result.js'
import { cancelSummary, type CancelRun } from './cancel-run.js'
import { LazyRun, UnusedRuns } from './lazy-run.js'
import { checkItems, runAll, type Place } from './run-all.js'
import { scheduleSummary, type ScheduleRun } from './schedule-run.js'

interface BulkSettings {
  maxInFlight: number
  maxBodyBytes: number
  logger: Logger
}

/** The runs of `scheduleAll` and `cancelAll` of one connection. */
export class BulkRuns {
  readonly #settings: BulkSettings
  readonly #unused: UnusedRuns

  constructor(settings: BulkSettings) {
    this.#settings = settings
    this.#unused = new UnusedRuns(settings.logger)
  }

  scheduleAll<Item>(
    items: Iterable<Item> | AsyncIterable<Item>,
    run: (item: Item, place: Place) => Promise<Receipt>,
  ): ScheduleRun<Item> {
    checkItems(items, '{ message, payload, options }')
    const { maxInFlight, maxBodyBytes, logger } = this.#settings
    const bodyBytes = Math.min(maxBodyBytes, MAX_BYTES_IN_FLIGHT / 4)
    const capacity = { messages: maxInFlight, bytes: MAX_BYTES_IN_FLIGHT, bodyBytes }
    const results = runAll(items, { run, done: (receipt) => ({ receipt }) }, capacity)
    return new LazyRun(results, (all) => scheduleSummary(all, logger), this.#unused.watch('scheduleAll', 'scheduled'))
  }

  cancelAll<Item>(
    targets: Iterable<Item> | AsyncIterable<Item>,
    run: (target: Item) => Promise<CancelResult>,
  ): CancelRun<Item> {
    checkItems(targets, 'receipts, { id, dueAt } or ids')
    const { maxInFlight, logger } = this.#settings
    const capacity = { messages: maxInFlight, bytes: Infinity, bodyBytes: 0 }
    const results = runAll(targets, { run, done: (outcome) => ({ outcome }) }, capacity)
    return new LazyRun(results, (all) => cancelSummary(all, logger), this.#unused.watch('cancelAll', 'cancelled'))
  }

  /** Warns of runs that were not used: the process may end. */
  warnOfUnused(): void {
    this.#unused.warnNow()
  }
}
