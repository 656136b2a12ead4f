import type { Clock } from '../base/clock.js'
import type { Call } from './activity.js'
import type { DeliveredMessage } from './seen.js'

/** The calls of handlers, the first first. */
export class Delivered {
  readonly #clock: Clock
  readonly #calls: { -readonly [K in keyof DeliveredMessage]: DeliveredMessage[K] }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns what notes the error that the handler throws. */
  add({ queue, delivery }: Pick<Call, 'queue' | 'delivery'>): (error: unknown) => void {
    const { name, id, payload, dueAt, attempt, headers } = delivery
    const at = new Date(this.#clock.now())
    const call = { queue, name, id, payload, dueAt, attempt, headers, at, error: undefined as unknown }
    this.#calls.push(call)
    return (error) => (call.error = error)
  }

  /** Of all queues, or of one. */
  list(queue: string | undefined): DeliveredMessage[] {
    return this.#calls.filter((call) => queue === undefined || call.queue === queue).map((call) => ({ ...call }))
  }
}
