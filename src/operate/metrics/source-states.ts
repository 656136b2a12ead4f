import type { Sample } from '../../telemetry/prometheus/exposition.js'

/** `counts` are those of the queues, where no management API was named that has to give them. */
export type SourceName = 'broker' | 'counts' | 'management' | 'store'

/** @param reason why it does not answer any more; undefined if it answers again */
export type OnSourceNews = (source: SourceName, reason: string | undefined) => void

/** Which sources of metrics answer. Tells each change once. */
export class SourceStates {
  readonly #onNews: OnSourceNews
  readonly #up = new Map<SourceName, boolean>()
  /** Optional ones that have never answered. */
  readonly #absent = new Set<SourceName>()

  constructor(onNews: OnSourceNews) {
    this.#onNews = onNews
  }

  /**
   * @param reason why a source has not answered, if it has not
   * @param isOptional whether it may be missing from the start: then it has no state before it answers
   */
  saw(source: SourceName, reason: string | undefined, { isOptional = false } = {}): void {
    const isUp = reason === undefined
    const wasUp = this.#up.get(source)
    if (isUp) this.#up.set(source, true)
    else if (wasUp !== undefined || !isOptional) this.#up.set(source, false)
    const isNews = isUp ? wasUp === false || this.#absent.delete(source) : wasUp !== false && !this.#absent.has(source)
    if (!isUp && !this.#up.has(source)) this.#absent.add(source)
    if (isNews) this.#onNews(source, reason)
  }

  get up(): Partial<Record<SourceName, boolean>> {
    return Object.fromEntries(this.#up)
  }

  samples(): Sample[] {
    return [...this.#up].map(([source, isUp]) => ({ metric: 'up', labels: { source }, value: Number(isUp) }))
  }
}
