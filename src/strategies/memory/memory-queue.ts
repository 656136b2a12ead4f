import type { Arrival, Subscription } from '../../broker.js'
import type { Arrived } from '../../message/envelope.js'
import { Fifo } from '../../base/fifo.js'
import { Heap } from '../../base/heap.js'

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
  /** Messages that came back, by their place: all of them stood before the others. */
  readonly #returned = new Heap<{ arrived: Arrived; place: number }>()
  /** Of the next message that is handed out for the first time. */
  #place = 0
  /** Who can take another message, the one whose turn it is first. */
  readonly #free = new Fifo<Subscriber>()
  #subscriptions = 0
  #isDeleted = false

  get isConsumed(): boolean {
    return this.#subscriptions > 0
  }

  /** What no subscriber has taken. */
  messages(): Arrived[] {
    const returned = this.#returned.items().sort((a, b) => a.place - b.place)
    return [...returned.map(({ arrived }) => arrived), ...this.#messages.items()]
  }

  take(): Arrived | undefined {
    return this.#next()?.arrived
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
      for (const requeue of [...subscriber.unsettled]) requeue()
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
    while (!this.#isDeleted && this.#messages.length + this.#returned.size > 0) {
      const subscriber = this.#free.shift()
      if (!subscriber) return
      subscriber.isFree = false
      if (subscriber.isCancelled || subscriber.isPaused) continue
      const arrival = this.#arrival(subscriber, this.#next()!)
      this.#offer(subscriber)
      subscriber.listener(arrival)
    }
  }

  /** Takes out the first message. */
  #next(): { arrived: Arrived; place: number } | undefined {
    const returned = this.#returned.pop()
    if (returned) return returned
    const arrived = this.#messages.shift()
    return arrived && { arrived, place: this.#place++ }
  }

  #offer(subscriber: Subscriber): void {
    if (subscriber.isFree || subscriber.unsettled.size >= subscriber.prefetch) return
    subscriber.isFree = true
    this.#free.push(subscriber)
  }

  #arrival(subscriber: Subscriber, { arrived, place }: { arrived: Arrived; place: number }): Arrival {
    const { unsettled } = subscriber
    const settle = (back: boolean) => {
      if (!unsettled.delete(requeue)) return
      this.#offer(subscriber)
      if (back) this.#returned.add({ arrived: { ...arrived, redelivered: true }, place }, place)
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
