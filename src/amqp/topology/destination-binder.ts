import { DuequeError, isDuequeError } from '../../base/errors.js'
import { batchQueue, queueOfBatches } from '../../message/batch.js'
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
    await twiceIf(declare, () => this.#bind(destination, declare))
    this.#env.bound.add(destination)
  }

  /**
   * Binds the queue for the batches of a work queue, whose dead queue is there.
   *
   * @throws DuequeError as {@link bind}
   */
  async batches(queue: string, declare: boolean): Promise<void> {
    const { layout, base, declarations, bound } = this.#env
    const destination = { queue: batchQueue(queue) }
    const key = destinationKey(destination)
    const bind = async () => {
      await base()
      await this.#workQueue(destination.queue, declare, () =>
        this.#newQueue(destination.queue, layout.batches(queue), key),
      )
    }
    await twiceIf(declare, () => declarations.once(key, bind))
    bound.add(destination)
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

  #queue(queue: string, declare: boolean, key: string): Promise<void> {
    const { layout, maxNameBytes } = this.#env
    return this.#workQueue(queue, declare, async () => {
      checkBytes(deadQueue(queue), maxNameBytes)
      await this.dead(queue)
      await this.#newQueue(queue, layout.workQueue(queue), key)
    })
  }

  /** @param create declares a missing one */
  async #workQueue(queue: string, declare: boolean, create: () => Promise<void>): Promise<void> {
    if (await this.exists({ queue })) return this.#declare([this.#env.layout.binding(queue)])
    if (!declare) throw missing({ queue })
    checkBytes(queue, this.#env.maxNameBytes)
    await create()
  }

  async #newQueue(queue: string, parts: readonly Part[], key: string): Promise<void> {
    const { layout } = this.#env
    try {
      await this.#declare(parts, key)
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
  const remedy = destination.queue === undefined ? 'declare it first' : remedyFor(destination.queue)
  return new DuequeError('DESTINATION_MISSING', `${text} does not exist: ${remedy}`, { destination: text })
}

function remedyFor(queue: string): string {
  const of = queueOfBatches(queue)
  const remedy = 'declare it, consume it once, or schedule with { declare: true }'
  if (of === undefined) return remedy
  return `for batches, consume ${of} with { batches: true } first, or \`dueque topology apply --batches ${of}\`; else ${remedy}`
}

/** Another caller may have asked first, without `declare`. */
async function twiceIf(declare: boolean, bind: () => Promise<void>): Promise<void> {
  try {
    await bind()
  } catch (error) {
    if (!declare || !isDuequeError(error, 'DESTINATION_MISSING')) throw error
    await bind()
  }
}
