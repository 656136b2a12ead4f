import type { Tick } from './tick.js'

/** Times from one on and before another one: milliseconds since the epoch. */
interface Range {
  readonly from: number
  readonly to: number
}

/** A repair begins a range ahead of a chain that is behind. The oldest ranges of a schedule are forgotten. */
const MOST_RANGES = 8

/**
 * The times of each schedule whose ticks this process has handled: tells copies of ticks, and where a repair goes on. In most cases
 * they are one range, from the first tick that came here up to the next one.
 */
export class HandledTimes {
  readonly #handled = new Map<string, { readonly revision: number; readonly ranges: readonly Range[] }>()
  #losses = 0

  /** Another number each time that something was {@link lost}: ticks that were under way then may not have been handled. */
  get losses(): number {
    return this.#losses
  }

  /** Whether this tick, or one of the same definition whose successor is behind it, is handled. */
  has(tick: Tick): boolean {
    return this.#rangesOf(tick).some(({ from, to }) => from <= tick.time && tick.time < to)
  }

  /** The time of the last tick that was sent, `Infinity` if the schedule has ended; undefined if none is handled. */
  nextOf(tick: Pick<Tick, 'id' | 'revision'>): number | undefined {
    return this.#rangesOf(tick).at(-1)?.to
  }

  /** @param to the time of the next tick, which was sent */
  add(tick: Tick, to = Infinity): void {
    const { id, revision, time } = tick
    const [apart, touching] = [[] as Range[], [{ from: time, to }]]
    for (const range of this.#rangesOf(tick)) (range.to < time || range.from > to ? apart : touching).push(range)
    const from = Math.min(...touching.map((range) => range.from))
    const whole = { from, to: Math.max(...touching.map((range) => range.to)) }
    const ranges = [...apart, whole].sort((a, b) => a.from - b.from).slice(-MOST_RANGES)
    this.#handled.set(id, { revision, ranges })
  }

  /** Forgets the times from one on, which a clock that was ahead has passed over. */
  forgetFrom({ id, revision }: Pick<Tick, 'id' | 'revision'>, time: number): void {
    const ranges = this.#rangesOf({ id, revision }).filter(({ from }) => from < time)
    this.#handled.set(id, { revision, ranges: ranges.map(({ from, to }) => ({ from, to: Math.min(to, time) })) })
  }

  /** What was scheduled for it is lost with its broker. */
  lost(id: string): void {
    this.#handled.delete(id)
    this.#losses++
  }

  /** All of it may be lost. */
  clear(): void {
    this.#handled.clear()
    this.#losses++
  }

  /** The schedule is removed. */
  delete(id: string): void {
    this.#handled.delete(id)
  }

  /** Forgets every schedule but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#handled.keys()) if (!ids.has(id)) this.#handled.delete(id)
  }

  #rangesOf({ id, revision }: Pick<Tick, 'id' | 'revision'>): readonly Range[] {
    const handled = this.#handled.get(id)
    return handled?.revision === revision ? handled.ranges : []
  }
}
