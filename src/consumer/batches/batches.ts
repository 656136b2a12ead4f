import type { Arrival } from '../../broker.js'
import { batchQueue, decodeBatch } from '../../message/batch.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { Refusal } from '../../message/death.js'
import { HEADER } from '../../message/headers.js'
import { errorText } from '../../base/errors.js'
import type { Dispatch } from '../dispatch.js'
import { earlyWarnings } from '../early-warnings.js'
import type { ConsumerEnvironment } from '../environment.js'
import { incomingOf } from '../incoming-message.js'
import type { ItemArrival } from './item-arrival.js'
import { TakenBatch, type BatchSettings } from './taken-batch.js'
import { ProgressMemory } from './progress.js'
import { Spill } from './spill.js'

export interface BatchesSettings {
  /** That of the items. */
  queue: string
  concurrency: number
  /** Batches that the broker may send ahead, at this moment. */
  prefetch: () => number
  environment: ConsumerEnvironment
  dispatch: Dispatch
}

/**
 * Takes the batches for a queue apart. Each item goes its own way through {@link Dispatch}, as a message that arrived by itself.
 *
 * | a batch                                              | becomes of it                                             |
 * |------------------------------------------------------|-----------------------------------------------------------|
 * | whose items are settled                              | ack                                                       |
 * | that cannot be read                                  | to the dead queue whole, then ack                         |
 * | that a process may have died of                      | every item is published singly before a handler runs, then ack |
 * | whose items wait for a handler for a second          | those are published singly, for other consumers           |
 * | of a paused or closing consumer                      | see {@link TakenBatch}                                     |
 * | of a lost connection                                 | the broker delivers it again; settled items are acked     |
 */
export class Batches {
  readonly #settings: BatchesSettings
  readonly #memory = new ProgressMemory()
  readonly #open = new Set<TakenBatch>()
  /** Came while no handler starts. */
  #kept: Arrival[] = []
  /** Items on their way back to the queue. */
  readonly #returning = new Set<Promise<unknown>>()
  readonly #spill: Spill
  readonly #warnOfEarly: ReturnType<typeof earlyWarnings>
  /** What its batches have in common. */
  readonly #ofBatch: Omit<BatchSettings, 'progress'>

  constructor(settings: BatchesSettings) {
    const { queue, concurrency, prefetch, environment, dispatch } = settings
    const { clock, logger, broker } = environment
    this.#settings = settings
    this.#warnOfEarly = earlyWarnings(batchQueue(queue), environment)
    this.#spill = new Spill({
      ...{ queue, clock, logger, concurrency },
      most: prefetch,
      isOpen: () => this.items > 0,
      canSend: () => broker.health().producer === 'up',
      started: () => dispatch.started,
      take: (items) => dispatch.takeLate(items),
      returned: (incoming) => dispatch.readyAgain(incoming),
    })
    this.#ofBatch = {
      sendSingly: (item) => dispatch.settlement.sendSingly(incomingOf(item, clock.now())),
      track: (work) => this.#track(work),
      over: (batch) => this.#over(batch),
    }
  }

  /** Items that are not settled. */
  get items(): number {
    let items = 0
    for (const batch of this.#open) {
      // It will come again.
      if (batch.live) items += batch.left
      else this.#over(batch)
    }
    return items
  }

  arrived(arrival: Arrival): void {
    const { dispatch, queue } = this.#settings
    // Requeued when the subscription has ended: before that, it would come here again.
    if (dispatch.isStopped) return void this.#kept.push(arrival)
    let messages: readonly DelayedMessage[]
    try {
      messages = decodeBatch(arrival.body, arrival.headers[HEADER.items], queue)
    } catch (error) {
      return this.#giveUp(arrival, error)
    }
    const isWorn = arrival.abandoned > 0 || (cameBefore(arrival) && !this.#memory.knows(arrival))
    const progress = this.#memory.of(arrival, this.#settings.prefetch())
    const batch = new TakenBatch(arrival, messages, { ...this.#ofBatch, progress })
    this.#open.add(batch)
    progress.deliveries++
    if (isWorn) return batch.each((item) => item.leave())
    this.#warn(arrival)
    batch.each((item: ItemArrival) => dispatch.take(item))
    this.#spill.watch()
  }

  /** Takes the batches that came while no handler started. */
  resume(): void {
    const kept = this.#kept
    this.#kept = []
    for (const arrival of kept) this.arrived(arrival)
  }

  /** Requeues batches that came while no handler started. */
  giveBack(): void {
    for (const arrival of this.#kept.splice(0)) arrival.requeue()
  }

  /** Resolves when all items that went back are in the queue. */
  async allBack(): Promise<void> {
    await Promise.all(this.#returning)
  }

  /** Publishes items singly whose handlers go on beyond the close: the handled ones beside them do not come again. */
  async leaveRest(): Promise<void> {
    if (this.#settings.dispatch.settlement.isAbandoned) return
    await Promise.all([...this.#open].map((batch) => batch.leaveRest()))
  }

  stop(): void {
    this.#spill.stop()
  }

  #over(batch: TakenBatch): void {
    if (this.#open.delete(batch)) batch.progress.deliveries--
  }

  #track(work: Promise<unknown>): Promise<unknown> {
    const tracked = this.#settings.dispatch.settlement.track(work)
    this.#returning.add(tracked)
    return tracked.finally(() => this.#returning.delete(tracked))
  }

  /** By the batch: its items may be due up to a second later. */
  #warn(arrival: Arrival): void {
    const { environment, dispatch, prefetch } = this.#settings
    const { readyAt, arrivedAt } = incomingOf(arrival, environment.clock.now())
    // While handlers run, not all batches are merely held.
    const held = dispatch.counts.running === 0 ? this.#open.size : 0
    if (readyAt > arrivedAt) this.#warnOfEarly(readyAt - arrivedAt, prefetch(), held)
  }

  #giveUp(arrival: Arrival, error: unknown): void {
    const { environment, dispatch } = this.#settings
    const refusal = new Refusal('unreadable-batch', errorText(error), error)
    void dispatch.settlement.giveUp(incomingOf(arrival, environment.clock.now()), refusal.reason, refusal)
  }
}

/**
 * Whether a consumer has had it and did not settle it, by the queue's own count. {@link Arrival.abandoned} leaves out the lost
 * connections of this consumer, and with them as many processes that ended over a batch. A classic queue counts nothing.
 */
function cameBefore({ redelivered, headers }: Arrival): boolean {
  const count = headers['x-delivery-count']
  return typeof count === 'number' ? count > 0 : redelivered && headers['x-acquired-count'] === undefined
}
