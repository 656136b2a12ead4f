import type { Attributes, Counter } from '@opentelemetry/api'
import { withError, type Failure } from './failure.js'

/** Further attributes are counted at once. */
const MOST_KEPT = 1000

/**
 * Counts for a counter that is told only when metrics are collected: an SDK makes a text of the attributes of each call, which
 * takes as long as a good part of a schedule.
 */
export class Tally {
  readonly #counter: Counter
  readonly #counts = new Map<Attributes, number>()

  constructor(counter: Counter) {
    this.#counter = counter
  }

  /** @param attributes an object that stands for them again and again */
  count(attributes: Attributes, failure?: Failure): void {
    const count = this.#counts.get(attributes) ?? 0
    if (!failure && (count > 0 || this.#counts.size < MOST_KEPT)) this.#counts.set(attributes, count + 1)
    else this.#counter.add(1, withError(attributes, failure))
  }

  flush(): void {
    for (const [attributes, count] of this.#counts) this.#counter.add(count, attributes)
    this.#counts.clear()
  }
}
