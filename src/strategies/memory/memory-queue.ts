import type { Arrival, Subscription } from '../../broker.js'
import type { Arrived } from '../../message/envelope.js'
import { Fifo } from '../../base/fifo.js'

interface Subscriber {
  readonly listener: (arrival: Arrival) => void
  readonly prefetch: number
  /** Gives back what it has been handed, each by a function of its own. */
  readonly unsettled: Set<() => void>
  isCancelled: boolean
  isPaused: boolean
  /** Whether it has a place among those that can take another message. */
  isFree: boolean
}

/** One queue: hands its messages to its subscribers in turn, as far as their prefetch allows. */
export class MemoryQueue {
  readonly #messages = new Fifo<Arrived>()
  /** Who can take another message, the one whose turn it is first. */
  readonly #free = new Fifo<Subscriber>()
  #subscriptions = 0
  #isDeleted = false

  get isConsumed(): boolean {
    return this.#subscriptions > 0
  }

  /** What no subscriber has taken. */
  messages(): Arrived[] {
    return this.#messages.items()
  }

  take(): Arrived | undefined {
    return this.#messages.shift()
  }

  put(arrived: Arrived): void {
    this.#messages.push(arrived)
    this.#flow()
  }

  subscribe(prefetch: number, listener: (arrival: Arrival) => void): Subscription {
    const subscriber: Subscriber = {
      ...{ listener, prefetch, unsettled: new Set() },
      ...{ isCancelled: false, isPaused: false, isFree: false },
    }
    this.#subscriptions++
    this.#offer(subscriber)
    this.#flow()
    const cancel = () => {
      if (!subscriber.isCancelled) this.#subscriptions--
      subscriber.isCancelled = true
      return Promise.resolve()
    }
    const close = async () => {
      await cancel()
      // The last first, so that the first is first again.
      for (const requeue of [...subscriber.unsettled].reverse()) requeue()
    }
    const pause = () => {
      subscriber.isPaused = true
      return Promise.resolve()
    }
    const resume = () => {
      subscriber.isPaused = false
      this.#offer(subscriber)
      this.#flow()
      return Promise.resolve()
    }
    return { pause, resume, cancel, close }
  }

  /** The messages in it are lost, and so are those that come back to it later. */
  delete(): void {
    this.#isDeleted = true
    this.#subscriptions = 0
  }

  #flow(): void {
    while (!this.#isDeleted && this.#messages.length > 0) {
      const subscriber = this.#free.shift()
      if (!subscriber) return
      subscriber.isFree = false
      if (subscriber.isCancelled || subscriber.isPaused) continue
      const arrival = this.#arrival(subscriber, this.#messages.shift()!)
      this.#offer(subscriber)
      subscriber.listener(arrival)
    }
  }

  #offer(subscriber: Subscriber): void {
    if (subscriber.isFree || subscriber.unsettled.size >= subscriber.prefetch) return
    subscriber.isFree = true
    this.#free.push(subscriber)
  }

  #arrival(subscriber: Subscriber, arrived: Arrived): Arrival {
    const { unsettled } = subscriber
    const settle = (back: boolean) => {
      if (!unsettled.delete(requeue)) return
      this.#offer(subscriber)
      if (back) this.#messages.unshift({ ...arrived, redelivered: true })
      this.#flow()
    }
    const requeue = () => settle(true)
    unsettled.add(requeue)
    const isLive = () => unsettled.has(requeue)
    return {
      ...arrived,
      abandoned: 0,
      get live() {
        return isLive()
      },
      ack: () => settle(false),
      requeue,
    }
  }
}
