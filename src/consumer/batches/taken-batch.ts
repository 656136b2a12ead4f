import { AsyncResource } from 'node:async_hooks'
import type { Arrival } from '../../broker.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { ItemArrival, type BatchOfItem } from './item-arrival.js'
import type { Progress } from './progress.js'

export interface BatchSettings {
  readonly progress: Progress
  /** Publishes an item as a message of its own. Never rejects. @returns whether the item is settled by that */
  readonly sendSingly: (item: ItemArrival) => Promise<boolean>
  /** Has a close of the consumer wait for `work`. */
  readonly track: (work: Promise<unknown>) => Promise<unknown>
  /** The batch is settled, or goes back whole. */
  readonly over: (batch: TakenBatch) => void
}

/**
 * One delivery of a batch, until all its items are settled. Then it is acked.
 *
 * | an item                        | the batch                                                                              |
 * |--------------------------------|----------------------------------------------------------------------------------------|
 * | is acked                       | is acked with the last one                                                             |
 * | goes back to the queue         | the same, once the item is published singly                                            |
 * | goes back, as all others do    | goes back whole, if no item is settled                                                 |
 * | cannot be published: a close   | is left to the broker, which delivers it again. An item that was published is a copy   |
 */
export class TakenBatch implements BatchOfItem {
  readonly #arrival: Arrival
  readonly #settings: BatchSettings
  readonly #items: readonly ItemArrival[]
  /** Where the batch arrived: an instrumentation of amqplib has its trace there. */
  readonly #context = new AsyncResource('dueque.batch')
  /** Items that are not settled by this delivery. */
  readonly #left: Set<number>
  /** Items that go back to the queue. */
  #returned: ItemArrival[] = []

  constructor(arrival: Arrival, messages: readonly DelayedMessage[], settings: BatchSettings) {
    this.#arrival = arrival
    this.#settings = settings
    this.#items = messages.map((message, place) => new ItemArrival(message, place, arrival, this))
    this.#left = new Set(messages.keys())
  }

  get live(): boolean {
    return this.#arrival.live
  }

  get progress(): Progress {
    return this.#settings.progress
  }

  /** How many items are not settled. */
  get left(): number {
    return this.#left.size
  }

  /** Hands on each item that is not settled. One that an earlier delivery publishes singly waits for the outcome. */
  each(take: (item: ItemArrival) => unknown): void {
    const { progress } = this.#settings
    for (const item of this.#items) {
      const leaving = progress.leaving.get(item.place)
      if (progress.isSettled(item.place)) item.ack()
      else if (leaving) void leaving.then((hasLeft) => (hasLeft ? item.ack() : take(item)))
      else take(item)
    }
  }

  ack({ place }: ItemArrival): void {
    const { progress, over } = this.#settings
    progress.settle(place)
    if (!this.#left.delete(place) || this.#left.size > 0) return
    progress.end()
    this.#arrival.ack()
    over(this)
  }

  requeue(item: ItemArrival): void {
    this.#returned.push(item)
    if (this.#returned.length === 1) void this.#settings.track(this.#giveBack())
  }

  async leave(item: ItemArrival): Promise<boolean> {
    const { progress } = this.#settings
    const { place } = item
    // Of two copies of a batch, one item is enough.
    const hasLeft = progress.isSettled(place) || (await (progress.leaving.get(place) ?? this.#send(item)))
    if (hasLeft) item.ack()
    return hasLeft
  }

  /** Publishes the items singly that are not settled by now, unless nothing is: then it comes again whole. */
  async leaveRest(): Promise<void> {
    if (!this.live || this.#settings.progress.isFresh) return
    const rest = this.#items.filter(({ place }) => this.#left.has(place))
    await Promise.all(rest.map((item) => this.leave(item)))
  }

  async #send(item: ItemArrival): Promise<boolean> {
    const { progress, sendSingly } = this.#settings
    const leaving = this.#context.runInAsyncScope(sendSingly, undefined, item)
    progress.leaving.set(item.place, leaving)
    const hasLeft = await leaving
    progress.leaving.delete(item.place)
    if (hasLeft) progress.settle(item.place)
    return hasLeft
  }

  async #giveBack(): Promise<void> {
    // Those that go back with it come within the same turn.
    await Promise.resolve()
    const returned = this.#returned
    this.#returned = []
    // The broker has taken it back, and delivers it again.
    if (!this.live) return
    const isWhole = returned.length === this.#items.length && this.#settings.progress.isFresh
    if (isWhole) {
      this.#arrival.requeue()
      this.#settings.over(this)
    } else await Promise.all(returned.map((item) => this.leave(item)))
  }
}
