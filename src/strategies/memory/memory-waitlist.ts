import { isForOwnQueue } from '../../amqp/topology/reserved-names.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { OnConflict } from '../strategy.js'
import { entryKey, type WaitingView } from '../waiting-view.js'
import { conflict, type Waitlist } from '../waitlist.js'
import { memoryView, withId } from './memory-view.js'

/** The waiting messages, by key. */
export class MemoryWaitlist implements Waitlist {
  readonly #messages = new Map<string, DelayedMessage>()
  readonly #changed: (message: DelayedMessage) => void
  readonly #view: WaitingView<DelayedMessage> = memoryView(() => this.users())

  /** @param changed hears of each message that waits from now on, or for another time */
  constructor(changed: (message: DelayedMessage) => void) {
    this.#changed = changed
  }

  /** @throws DuequeError `CONFLICT` */
  add(message: DelayedMessage, onConflict: OnConflict | undefined): DelayedMessage | undefined {
    const key = entryKey(message)
    if (this.#messages.has(key)) return undefined
    const others = onConflict === undefined ? [] : withId(this.all(), message.id)
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

  /** The messages of users. */
  users(): readonly DelayedMessage[] {
    return this.all().filter((message) => !isForOwnQueue(message))
  }

  clear(): void {
    this.#messages.clear()
  }

  remove(message: DelayedMessage): Promise<boolean> {
    return Promise.resolve(this.#messages.delete(entryKey(message)))
  }

  replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    const isThere = this.take(message)
    if (isThere) this.#put(by)
    return Promise.resolve(isThere)
  }

  find(...args: Parameters<Waitlist['find']>): ReturnType<Waitlist['find']> {
    return this.#view.find(...args)
  }

  list(...args: Parameters<Waitlist['list']>): ReturnType<Waitlist['list']> {
    return this.#view.list(...args)
  }

  count(...args: Parameters<Waitlist['count']>): ReturnType<Waitlist['count']> {
    return this.#view.count(...args)
  }

  countBy(...args: Parameters<Waitlist['countBy']>): ReturnType<Waitlist['countBy']> {
    return this.#view.countBy(...args)
  }

  countByDestination(): ReturnType<Waitlist['countByDestination']> {
    return this.#view.countByDestination()
  }

  #put(message: DelayedMessage): void {
    this.#messages.set(entryKey(message), message)
    this.#changed(message)
  }
}
