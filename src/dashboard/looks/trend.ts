import type { CountTrend } from '../api.js'

const HOUR_MS = 3_600_000
/** Samples closer than this are one. */
const STEP_MS = 30_000

/** A count over the last hour. */
export class Trend {
  #samples: { readonly at: number; readonly count: number }[] = []

  /** @param at milliseconds of a time that never goes back */
  add(at: number, count: number): CountTrend {
    this.#samples = this.#samples.filter((sample) => sample.at > at - HOUR_MS)
    const [first = { at, count }] = this.#samples
    const last = this.#samples.at(-1)
    if (!last || at - last.at >= STEP_MS) this.#samples.push({ at, count })
    return { messages: count, change: count - first.count, overMs: Math.round(at - first.at) }
  }
}
