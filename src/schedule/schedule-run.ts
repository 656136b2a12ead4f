import { errorText, type DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { ScheduleResult } from './schedule-all.js'

/** An item that was not scheduled. */
export interface ScheduleFailure<Item = unknown> {
  /** Its place in the input. */
  readonly index: number
  readonly item: Item
  readonly error: DuequeError
}

/** What became of the items of a run that was awaited. */
export interface ScheduleSummary<Item = unknown> {
  readonly scheduled: number
  readonly failed: number
  /** Of the items that failed, the first 1000 whose failure was known. */
  readonly failures: readonly ScheduleFailure<Item>[]
}

/**
 * What `scheduleAll` returns. Nothing is scheduled before it is used: `await` schedules everything, `for await` yields each
 * result as it is known. Use it in one of these ways: results that an iteration took are not in the summary.
 *
 * As everything that has `then`, it is awaited by an async function that returns it, and by `Promise.all`.
 */
export interface ScheduleRun<Item = unknown>
  extends AsyncGenerator<ScheduleResult<Item>, void, undefined>, Promise<ScheduleSummary<Item>> {}

const MAX_FAILURES = 1000

export class LazyRun<Item> implements ScheduleRun<Item> {
  readonly [Symbol.toStringTag] = 'ScheduleRun'
  readonly #results: AsyncGenerator<ScheduleResult<Item>, void, undefined>
  readonly #used: () => void
  readonly #logger: Logger
  #summary: Promise<ScheduleSummary<Item>> | undefined

  /** @param used called when the run is used, maybe several times */
  constructor(results: AsyncGenerator<ScheduleResult<Item>, void, undefined>, used: () => void, logger: Logger) {
    this.#results = results
    this.#used = used
    this.#logger = logger
  }

  /** The generator itself: one promise less for each result. */
  [Symbol.asyncIterator]() {
    this.#used()
    return this.#results
  }

  next() {
    this.#used()
    return this.#results.next()
  }

  return(value?: void | PromiseLike<void>) {
    this.#used()
    return this.#results.return(value)
  }

  throw(error: unknown) {
    this.#used()
    return this.#results.throw(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  then<A = ScheduleSummary<Item>, B = never>(
    fulfilled?: ((summary: ScheduleSummary<Item>) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#used()
    this.#summary ??= this.#run()
    return this.#summary.then(fulfilled, rejected)
  }

  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<ScheduleSummary<Item> | B> {
    return this.then(undefined, rejected)
  }

  finally(settled?: (() => void) | null): Promise<ScheduleSummary<Item>> {
    return this.then().finally(settled)
  }

  async #run(): Promise<ScheduleSummary<Item>> {
    let scheduled = 0
    let failed = 0
    const failures: ScheduleFailure<Item>[] = []
    for await (const { index, item, error } of this.#results) {
      if (!error) scheduled++
      else if (failed++ < MAX_FAILURES) failures.push({ index, item, error })
    }
    const [first] = failures
    if (first)
      this.#logger.warn('scheduleAll failed for some items', { scheduled, failed, error: errorText(first.error) })
    return { scheduled, failed, failures }
  }
}

const PATIENCE_MS = 1000

/** The runs of one connection that nobody has used yet. */
export class UnusedRuns {
  readonly #logger: Logger
  readonly #warnings = new Set<() => void>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /**
   * Warns of a run that is not used within a second.
   *
   * @returns to be called when the run is used
   */
  watch(): () => void {
    const { stack } = new Error()
    const used = () => {
      clearTimeout(timer)
      this.#warnings.delete(warn)
    }
    const warn = () => {
      used()
      // Behind the text of the error, this method, and scheduleAll of the scheduler and of the connection.
      const call = stack?.split('\n')[4]?.trim()
      this.#logger.warn('scheduleAll was neither awaited nor iterated: nothing is scheduled', { call })
    }
    const timer = setTimeout(warn, PATIENCE_MS).unref()
    this.#warnings.add(warn)
    return used
  }

  /** At once, since the process may end. */
  warnNow(): void {
    for (const warn of this.#warnings) warn()
  }
}
