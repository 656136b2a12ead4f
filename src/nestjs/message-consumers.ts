import type { DiscoveryService, MetadataScanner } from '@nestjs/core'
import { allEnded } from '../base/end-all.js'
import { on, onAny, type Handler } from '../consumer/delivery.js'
import type { Consumer } from '../consumer/stats.js'
import type { Dueque } from '../dueque.js'
import { messageMethods, type MessageMethod } from './message-methods.js'
import type { ModuleSettings } from './module-options.js'
import { nestPipeline, type NestCallers } from './nest-pipeline.js'
import { closeConnections } from './opened-connection.js'
import { checkConnections, queuePlans, type QueuePlan } from './queue-plans.js'

/** What of Nest finds and calls the methods of an application. */
interface NestParts extends NestCallers {
  readonly discovery: DiscoveryService
  readonly scanner: MetadataScanner
}

/** The consumers of one connection, from the application's start to its end. */
export class MessageConsumers {
  /** Of the connection. */
  readonly name: string
  readonly #mq: Dueque
  readonly #settings: ModuleSettings
  readonly #nest: NestParts
  #consumers: readonly Consumer[] = []

  constructor(mq: Dueque, settings: ModuleSettings, nest: NestParts) {
    this.name = settings.name
    this.#mq = mq
    this.#settings = settings
    this.#nest = nest
  }

  /** @throws DuequeError `INVALID_OPTION`, and as `Dueque.consume`. The connections of the application are closed then. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.#startAll()
    } catch (error) {
      await closeConnections(this.#nest.discovery)
      throw error
    }
  }

  /** Before the connection closes. */
  onModuleDestroy(): Promise<void> {
    const { drainTimeoutMs } = this.#settings
    return allEnded(this.#consumers.map((consumer) => consumer.close({ drainTimeoutMs })))
  }

  async #startAll(): Promise<void> {
    const { discovery, scanner } = this.#nest
    const methods = messageMethods(discovery, scanner)
    checkConnections(methods, connectionNames(discovery))
    const plans = queuePlans(methods, this.name)
    if (!this.#settings.consume) return
    const started = await Promise.allSettled(plans.map((plan) => this.#start(plan)))
    this.#consumers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = started.find((one) => one.status === 'rejected')
    if (!failed) return
    await this.onModuleDestroy().catch(() => undefined)
    throw failed.reason
  }

  #start({ queue, methods, options }: QueuePlan<MessageMethod>): Promise<Consumer> {
    const handlers = methods.map((method) => this.#handler(method))
    return this.#mq.consume(queue, handlers, options)
  }

  #handler(method: MessageMethod): Handler {
    const { definition } = method.subscription
    const handle = nestPipeline(method, this.#nest)
    return definition ? on(definition, handle) : onAny(handle)
  }
}

/** Of all connections of the application. */
function connectionNames(discovery: DiscoveryService): string[] {
  const instances = discovery.getProviders().map(({ instance }) => instance as unknown)
  return instances.flatMap((instance) => (instance instanceof MessageConsumers ? [instance.name] : []))
}
