import type { PublishOptions } from '../../broker.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { destinationKey, type Names } from '../topology/names.js'
import type { Topology } from '../topology/topology.js'
import type { Frame, FrameBuilder } from './frame-builder.js'
import type { PublishPlan } from './publication.js'

/** The parts of a broker that plans use. */
export interface PlanContext {
  readonly names: Names
  readonly topology: Topology
  readonly frames: FrameBuilder
}

/** Publishes a message straight to its destination. */
export class DestinationPlan implements PublishPlan {
  readonly #context: PlanContext
  readonly #message: DelayedMessage
  readonly #options: Pick<PublishOptions, 'declare' | 'bind'>

  constructor(context: PlanContext, message: DelayedMessage, options: Pick<PublishOptions, 'declare' | 'bind'>) {
    this.#context = context
    this.#message = message
    this.#options = options
  }

  prepare(): Frame | Promise<void> {
    return this.declaring() ?? this.frame()
  }

  /** Declares and binds the destination; undefined if nothing is missing. */
  declaring(): Promise<void> | undefined {
    const { topology } = this.#context
    const { declare, bind = true } = this.#options
    const { destination } = this.#message
    if (topology.isReady(bind ? destination : undefined, [])) return undefined
    return bind ? topology.destination(destination, declare) : topology.base()
  }

  frame(): Frame {
    const { names, frames } = this.#context
    return frames.build(this.#message, names.deliver, [destinationKey(this.#message.destination)])
  }

  safeAt(): number {
    return this.#context.topology.safeAt(this.#message.destination, [])
  }
}
