import type { Logger } from '../base/logger.js'

/**
 * A run over many items. Nothing happens before it is used: `await` runs everything, `for await` yields each result as it is
 * known. Use it in one of these ways: results that an iteration took are not in the summary.
 *
 * As everything that has `then`, it is awaited by an async function that returns it, and by `Promise.all`.
 */
export interface BulkRun<Result, Summary> extends AsyncGenerator<Result, void, undefined>, Promise<Summary> {}

export class LazyRun<Result, Summary> implements BulkRun<Result, Summary> {
  readonly [Symbol.toStringTag] = 'BulkRun'
  readonly #results: AsyncGenerator<Result, void, undefined>
  readonly #summarize: (results: AsyncIterable<Result>) => Promise<Summary>
  readonly #used: () => void
  #summary: Promise<Summary> | undefined

  /** @param used called when the run is used, maybe several times */
  constructor(
    results: AsyncGenerator<Result, void, undefined>,
    summarize: (results: AsyncIterable<Result>) => Promise<Summary>,
    used: () => void,
  ) {
    this.#results = results
    this.#summarize = summarize
    this.#used = used
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

  then<A = Summary, B = never>(
    fulfilled?: ((summary: Summary) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#used()
    this.#summary ??= this.#summarize(this.#results)
    return this.#summary.then(fulfilled, rejected)
  }

  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<Summary | B> {
    return this.then(undefined, rejected)
  }

  finally(settled?: (() => void) | null): Promise<Summary> {
    return this.then().finally(settled)
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
   * Warns of a run that is not used within a second. To be called by {@link BulkRuns}, which the connection's method calls.
   *
   * @param method its name
   * @param done what happens to nothing
   * @returns to be called when the run is used
   */
  watch(method: string, done: string): () => void {
    const { stack } = new Error()
    const used = () => {
      clearTimeout(timer)
      this.#warnings.delete(warn)
    }
    const warn = () => {
      used()
      // Behind the text of the error, this method, that of the runs, and that of the connection.
      const call = stack?.split('\n')[4]?.trim()
      this.#logger.warn(`${method} was neither awaited nor iterated: nothing is ${done}`, { call })
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
