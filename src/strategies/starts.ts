import { DuequeError } from '../base/errors.js'

/**
 * The starts of a strategy, one after another. A start takes a while, and the caller may stop the strategy meanwhile, and start it
 * anew: only the latest start counts.
 */
export class Starts {
  readonly #strategy: string
  #latest: symbol | undefined

  constructor(strategy: string) {
    this.#strategy = strategy
  }

  /** @returns whether it was stopped meanwhile, or started anew */
  begin(): () => boolean {
    const own = (this.#latest = Symbol())
    return () => this.#latest !== own
  }

  /** Begins with the only step that takes a while. @throws DuequeError `CLOSED` if it is over by then */
  async during(step: Promise<void>): Promise<void> {
    const isOver = this.begin()
    await step
    if (isOver()) throw this.stopped()
  }

  stop(): void {
    this.#latest = undefined
  }

  stopped(): DuequeError<'CLOSED'> {
    return new DuequeError('CLOSED', `${this.#strategy} was stopped while it started`, {})
  }
}
