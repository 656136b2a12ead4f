import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import type { OnConflict } from '../strategy.js'
import {
  comparePositions,
  entryKey,
  fits,
  positionOf,
  spanCounts,
  type SpanCount,
  type WaitlistFilter,
} from '../waiting-view.js'
import { conflict, type Waitlist } from '../waitlist.js'

/** The waiting messages, by key. */
export class MemoryWaitlist implements Waitlist {
  readonly #messages = new Map<string, DelayedMessage>()
  readonly #changed: (message: DelayedMessage) => void

  /** @param changed hears of each message that waits from now on, or for another time */
  constructor(changed: (message: DelayedMessage) => void) {
    this.#changed = changed
  }

  /** @throws DuequeError `CONFLICT` */
  add(message: DelayedMessage, onConflict: OnConflict | undefined): DelayedMessage | undefined {
    const key = entryKey(message)
    if (this.#messages.has(key)) return undefined
    const others = onConflict === undefined ? [] : this.#withId(message.id)
    if (others[0] && onConflict === 'ignore') return others[0]
    if (others[0] && onConflict === 'error') throw conflict(message.id)
    for (const other of others) this.#messages.delete(entryKey(other))
    this.#put(message)
    return undefined
  }

  /** Whether it waits, as it is. Then no longer. */
  take(message: DelayedMessage): boolean {
    return this.#messages.get(entryKey(message)) === message && this.#messages.delete(entryKey(message))
  }

  all(): readonly DelayedMessage[] {
    return [...this.#messages.values()]
  }

  clear(): void {
    this.#messages.clear()
  }

  find(id: string): Promise<readonly DelayedMessage[]> {
    return Promise.resolve(this.#withId(id))
  }

  remove(message: DelayedMessage): Promise<boolean> {
    return Promise.resolve(this.#messages.delete(entryKey(message)))
  }

  replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    const isThere = this.take(message)
    if (isThere) this.#put(by)
    return Promise.resolve(isThere)
  }

  list(
    filter: Parameters<Waitlist['list']>[0],
    { after, limit }: Parameters<Waitlist['list']>[1],
  ): Promise<readonly DelayedMessage[]> {
    const sorted = this.all()
      .filter((message) => fits(filter, message))
      .map((message) => ({ message, at: positionOf(message) }))
      .filter(({ at }) => !after || comparePositions(at, after) > 0)
      .sort((a, b) => comparePositions(a.at, b.at))
    return Promise.resolve(sorted.slice(0, limit).map(({ message }) => message))
  }

  count(filter: Parameters<Waitlist['count']>[0]): Promise<number> {
    return Promise.resolve(this.all().filter((message) => fits(filter, message)).length)
  }

  countBy(filter: WaitlistFilter, spanMs: number): Promise<readonly SpanCount[]> {
    const times = this.all().flatMap((message) => (fits(filter, message) ? [readyAt(message)] : []))
    return Promise.resolve(spanCounts(times, spanMs))
  }

  #withId(id: string): DelayedMessage[] {
    return this.all()
      .filter((message) => message.id === id)
      .sort((a, b) => b.revision - a.revision || readyAt(b) - readyAt(a))
  }

  #put(message: DelayedMessage): void {
    this.#messages.set(entryKey(message), message)
    this.#changed(message)
  }
}
