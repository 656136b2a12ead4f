import { assertDeclares, assertNoDeadQueue } from '../amqp/topology/declare-rules.js'
import { assertOutside } from '../amqp/topology/reserved-names.js'
import { allEnded } from '../base/end-all.js'
import type { GatedTail } from '../cancellation/gated-tail.js'
import { batchQueue } from '../message/batch.js'
import { checkQueueName } from '../message/destination.js'
import type { Envelope } from '../message/envelope.js'
import type { ResolvedOptions } from '../options.js'
import { RunningConsumer } from './consumer.js'
import { SharedDuplicates } from './copies/shared-duplicates.js'
import { differingNames, type Handler } from './delivery.js'
import type { ConsumerEnvironment } from './environment.js'
import { checkConsume, type ConsumeOptions } from './options.js'
import type { Consumer } from './stats.js'

/** What the consumers of one connection share. */
type SharedEnvironment = Pick<ConsumerEnvironment, 'connection' | 'broker' | 'events' | 'hooks'>

/** The consumers of one connection: checks and starts them, and ends them together. */
export class RunningConsumers {
  readonly #options: ResolvedOptions
  readonly #shared: SharedEnvironment
  readonly #duplicates: SharedDuplicates
  readonly #tail: GatedTail | undefined
  /** Also those that are still starting. */
  readonly #consumers = new Set<RunningConsumer>()

  /** @param tail of a broker that has one */
  constructor(options: ResolvedOptions, shared: SharedEnvironment, tail: GatedTail | undefined) {
    this.#options = options
    this.#tail = tail
    this.#shared = shared
    this.#duplicates = new SharedDuplicates(options.clock)
  }

  async start(queue: string, handlers: readonly Handler[], options: ConsumeOptions): Promise<Consumer> {
    checkConsume(options)
    const { clock, logger, strategy, topology, namespace } = this.#options
    if (options.declare) assertDeclares(topology)
    assertOutside({ queue: checkQueueName('queue', queue) }, namespace)
    if (options.batches) assertOutside({ queue: checkQueueName('queue', batchQueue(queue)) }, namespace)
    if (options.declare !== false) assertNoDeadQueue(queue)
    const consumer: RunningConsumer = new RunningConsumer(queue, handlers, options, {
      ...this.#shared,
      strategy,
      clock,
      logger,
      onError: (error) => this.#shared.events.emit('error', error as never),
      onClosed: () => this.#consumers.delete(consumer),
      duplicates: this.#duplicates,
      ...this.#cancellations(options),
    })
    this.#warnOfOthers(consumer)
    this.#consumers.add(consumer)
    return consumer.start()
  }

  /** Whether a consumer handles nothing because cancellations cannot be read. */
  get isWaiting(): boolean {
    return this.#tail?.tail.state === 'down' && [...this.#consumers].some(({ waitsForTail }) => waitsForTail)
  }

  async end(drainTimeoutMs: number): Promise<void> {
    await allEnded([...this.#consumers].map((consumer) => consumer.end({ drainTimeoutMs })))
  }

  #cancellations({ cancellations, onTailDown = 'handle' }: ConsumeOptions) {
    if (cancellations === 'off') return undefined
    const [tail, log] = [this.#tail, this.#options.strategy.cancellations]
    if (tail) return tail.forConsumer(onTailDown)
    return log?.isCancelled && { isCancelled: (envelope: Envelope) => log.isCancelled!(envelope) }
  }

  /** RabbitMQ shares a queue's messages among its consumers, whatever their names. */
  #warnOfOthers({ queue, handlers }: RunningConsumer): void {
    for (const other of this.#consumers) {
      if (other.queue !== queue || other.isClosing) continue
      const names = differingNames(handlers, other.handlers)
      if (names.length === 0) continue
      const what = 'another consumer of this queue has handlers for other messages: what comes to the wrong one is dead'
      this.#options.logger.warn(`${what}. Give both all handlers, or each a queue`, { queue, names })
    }
  }
}
