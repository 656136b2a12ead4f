import { MAX_BYTES_IN_FLIGHT } from '../amqp/publish/in-flight.js'
import type { Logger } from '../base/logger.js'
import type { Receipt } from '../message/receipt.js'
import type { BulkInfo } from '../telemetry.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import type { CancelResult } from './cancel-result.js'
import { cancelSummary, type CancelRun } from './cancel-run.js'
import { LazyRun, UnusedRuns, type BulkRun } from './lazy-run.js'
import { checkItems, runAll, type Capacity, type ItemResult, type Place, type Work } from './run-all.js'
import { scheduleSummary, type ScheduleRun } from './schedule-run.js'

interface BulkSettings {
  maxInFlight: number
  maxBodyBytes: number
  logger: Logger
}

/** How the items of a run are scheduled. */
export interface ItemScheduling<Item> {
  readonly schedule: (item: Item, place: Place, bulk: BulkInfo) => Promise<Receipt>
  /** Many items travel as one message. */
  readonly inBatches: boolean
}

/** With batches, so many times as many items are under way: those of batches that are sent, and of those that gather. */
const ITEMS_AHEAD = 2
/** Items of batches that are read in one turn of the event loop. By then the first batches have to go out. */
const ITEMS_A_TURN = 256

/** A run that is neither of schedules nor of cancellations. */
interface RunKind<Item, Done, Summary> {
  /** What the items are, for an error. */
  readonly expected: string
  readonly method: string
  /** What happens to nothing if the run is not used. */
  readonly effect: string
  readonly summarize: (results: AsyncIterable<ItemResult<Item, Done>>, logger: Logger) => Promise<Summary>
}

/** The runs of `scheduleAll`, `cancelAll` and the like of one connection. */
export class BulkRuns {
  readonly #settings: BulkSettings
  readonly #hooks: TelemetryHooks | undefined
  readonly #unused: UnusedRuns

  constructor(settings: BulkSettings, hooks: TelemetryHooks | undefined) {
    this.#settings = settings
    this.#hooks = hooks
    this.#unused = new UnusedRuns(settings.logger)
  }

  scheduleAll<Item>(
    items: Iterable<Item> | AsyncIterable<Item>,
    { schedule, inBatches }: ItemScheduling<Item>,
  ): ScheduleRun<Item> {
    checkItems(items, '{ message, payload, options }')
    const { maxInFlight, maxBodyBytes, logger } = this.#settings
    const bodyBytes = Math.min(maxBodyBytes, MAX_BYTES_IN_FLIGHT / 4)
    const many = inBatches ? { messages: ITEMS_AHEAD * maxInFlight, perTurn: ITEMS_A_TURN } : { messages: maxInFlight }
    const capacity = { ...many, bytes: MAX_BYTES_IN_FLIGHT, bodyBytes }
    const bulk: BulkInfo = { operation: 'schedule' }
    const work = {
      run: (item: Item, place: Place) => schedule(item, place, bulk),
      done: (receipt: Receipt) => ({ receipt }),
    }
    const results = this.#results(items, work, capacity, bulk)
    return new LazyRun(results, (all) => scheduleSummary(all, logger), this.#unused.watch('scheduleAll', 'scheduled'))
  }

  cancelAll<Item>(
    targets: Iterable<Item> | AsyncIterable<Item>,
    runFor: (bulk: BulkInfo) => (target: Item) => Promise<CancelResult>,
  ): CancelRun<Item> {
    checkItems(targets, 'receipts, { id, dueAt } or ids')
    const { maxInFlight, logger } = this.#settings
    const capacity = { messages: maxInFlight, bytes: Infinity, bodyBytes: 0 }
    const bulk: BulkInfo = { operation: 'cancel' }
    const work = { run: runFor(bulk), done: (outcome: CancelResult) => ({ outcome }) }
    const results = this.#results(targets, work, capacity, bulk)
    return new LazyRun(results, (all) => cancelSummary(all, logger), this.#unused.watch('cancelAll', 'cancelled'))
  }

  /** A run of another kind, which telemetry does not see. To be called by the method of the connection. */
  runOf<Item, Value, Done, Summary>(
    items: Iterable<Item> | AsyncIterable<Item>,
    work: Work<Item, Value, Done>,
    { expected, method, effect, summarize }: RunKind<Item, Done, Summary>,
  ): BulkRun<ItemResult<Item, Done>, Summary> {
    checkItems(items, expected)
    const { maxInFlight: messages, logger } = this.#settings
    const results = runAll(items, work, { messages, bytes: Infinity, bodyBytes: 0 })
    return new LazyRun(results, (all) => summarize(all, logger), this.#unused.watch(method, effect))
  }

  #results<Item, Value, Done>(
    items: Iterable<Item> | AsyncIterable<Item>,
    { run, done }: Work<Item, Value, Done>,
    capacity: Capacity,
    bulk: BulkInfo,
  ): AsyncGenerator<ItemResult<Item, Done>, void, undefined> {
    if (!this.#hooks?.has('bulk')) return runAll(items, { run, done }, capacity)
    return this.#hooks.bulk(bulk, (scope) => {
      const scoped = (item: Item, place: Place) => scope.runInAsyncScope(run, undefined, item, place)
      return runAll(items, { run: scoped, done }, capacity)
    })
  }

  /** Warns of runs that were not used: the process may end. */
  warnOfUnused(): void {
    this.#unused.warnNow()
  }
}
