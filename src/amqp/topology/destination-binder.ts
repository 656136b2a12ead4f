import { DuequeError, isDuequeError } from '../../base/errors.js'
import { checkBytes, destinationText, type Destination } from '../../message/destination.js'
import type { BoundDestinations } from './bound-destinations.js'
import type { Declarations } from './declarations.js'
import type { Declarer } from './declarer.js'
import type { Layout } from './layout.js'
import { deadQueue, destinationKey } from './names.js'
import type { Part } from './part.js'
import type { YoungQueues } from './young-queues.js'

export interface BinderEnvironment {
  layout: Layout
  declarer: Declarer
  declarations: Declarations
  /** Declares the base layout, once. */
  base: () => Promise<void>
  maxNameBytes: number
  young: YoungQueues
  bound: BoundDestinations
}

/** Binds destinations and declares their queues, each once. */
export class DestinationBinder {
  readonly #env: BinderEnvironment

  constructor(environment: BinderEnvironment) {
    this.#env = environment
  }

  /** Whether a queue or exchange exists, bound or not. */
  exists({ queue, exchange }: Destination): Promise<boolean> {
    const { declarer } = this.#env
    return queue === undefined ? declarer.exists('exchange', exchange) : declarer.exists('queue', queue)
  }

  /**
   * Binds an existing destination: a queue directly or by an outlet in front of it, an exchange always by one.
   *
   * @param declare whether a missing work queue is declared
   * @throws DuequeError `DESTINATION_MISSING`, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`
   */
  async bind(destination: Destination, declare: boolean): Promise<void> {
    try {
      await this.#bind(destination, declare)
    } catch (error) {
      // Another caller may have asked first, without `declare`.
      if (!declare || !isDuequeError(error, 'DESTINATION_MISSING')) throw error
      await this.#bind(destination, declare)
    }
    this.#env.bound.add(destination)
  }

  /** Declares the queue for messages on which a consumer of `queue` gives up. */
  dead(queue: string): Promise<void> {
    const { layout, base, declarations } = this.#env
    const key = destinationKey({ queue: deadQueue(queue) })
    return declarations.once(key, async () => {
      await base()
      await this.#declare(layout.dead(queue), key)
    })
  }

  #bind(destination: Destination, declare: boolean): Promise<void> {
    const { queue, exchange, outlet } = destination
    const key = destinationKey(destination)
    return this.#env.declarations.once(key, async () => {
      await this.#env.base()
      if (queue === undefined) await this.#outlet(exchange, key)
      else if (outlet) await this.#queueOutlet(queue, declare, key)
      else await this.#queue(queue, declare, key)
    })
  }

  async #queue(queue: string, declare: boolean, key: string): Promise<void> {
    if (await this.exists({ queue })) return this.#declare([this.#env.layout.binding(queue)])
    if (!declare) throw missing({ queue })
    checkBytes(deadQueue(queue), this.#env.maxNameBytes)
    await this.dead(queue)
    await this.#newWorkQueue(queue, key)
  }

  async #newWorkQueue(queue: string, key: string): Promise<void> {
    const { layout } = this.#env
    try {
      await this.#declare(layout.workQueue(queue), key)
    } catch (error) {
      // Another version of dueque was faster: whatever its arguments, it is used as any queue that exists.
      if (!isDuequeError(error, 'TOPOLOGY_MISMATCH') || !(await this.exists({ queue }))) throw error
      await this.#declare([layout.binding(queue)])
    }
  }

  async #queueOutlet(queue: string, declare: boolean, key: string): Promise<void> {
    const { layout, maxNameBytes } = this.#env
    await this.bind({ queue }, declare)
    checkBytes(layout.names.queueOutlet(queue), maxNameBytes)
    await this.#declare(layout.queueOutlet(queue), key)
  }

  async #outlet(exchange: string, key: string): Promise<void> {
    const { layout, maxNameBytes } = this.#env
    if (!(await this.exists({ exchange }))) throw missing({ exchange })
    checkBytes(layout.names.outlet(exchange), maxNameBytes)
    await this.#declare(layout.outlet(exchange), key)
  }

  /** @param key under which a queue that was not there before is remembered as young */
  async #declare(parts: readonly Part[], key?: string): Promise<void> {
    const { declarer, young } = this.#env
    for (const part of parts) {
      const isNew = key !== undefined && part.kind === 'queue' && !(await declarer.exists('queue', part.name))
      await declarer.declare(part)
      if (isNew) young.add(key)
    }
  }
}

export function missing(destination: Destination): DuequeError<'DESTINATION_MISSING'> {
  const text = destinationText(destination)
  const remedy =
    destination.queue === undefined
      ? 'declare it first'
      : 'declare it, consume it once, or schedule with { declare: true }'
  return new DuequeError('DESTINATION_MISSING', `${text} does not exist: ${remedy}`, { destination: text })
}
