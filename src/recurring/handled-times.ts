import type { Tick } from './tick.js'

/** The last time of each schedule whose tick this process has handled: tells copies of ticks, and what a repair need not send. */
export class HandledTimes {
  readonly #last = new Map<string, Omit<Tick, 'id'>>()

  /** Whether this tick, or a later one of the same definition, is handled. */
  has({ id, revision, time }: Tick): boolean {
    const last = this.#last.get(id)
    return last?.revision === revision && time <= last.time
  }

  /** Undefined if none of this definition is handled. */
  lastOf({ id, revision }: Pick<Tick, 'id' | 'revision'>): number | undefined {
    const last = this.#last.get(id)
    return last?.revision === revision ? last.time : undefined
  }

  add({ id, revision, time }: Tick): void {
    this.#last.set(id, { revision, time })
  }

  /** The schedule is removed, or paused. */
  delete(id: string): void {
    this.#last.delete(id)
  }

  /** Forgets every schedule but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#last.keys()) if (!ids.has(id)) this.#last.delete(id)
  }
}
