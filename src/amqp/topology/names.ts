import type { Destination } from '../../message/destination.js'

export type QueueType = 'quorum' | 'classic'

/** Whether dueque declares what it needs, or takes it to be there. */
export type TopologyMode = 'declare' | 'trust'

/** The layout's version: a change that old and new processes could not share gets a new one, and drains beside the old. */
export const LAYOUT = 'v1'

/** The names of one namespace that every strategy uses. docs/wire-format.md shows how they hang together. */
export class Names {
  readonly namespace: string
  /** The start of every name in the namespace. */
  readonly prefix: string
  /** The exchange that routes due messages to their destinations. */
  readonly deliver: string
  /** The alternate exchange of `deliver`, and the queue behind it. */
  readonly unroutable: string
  /** The exchange for undeliverable messages, and the queue behind it. */
  readonly parked: string
  /** The exchange before every dead queue. Unlike `deliver`, it returns what it cannot route. */
  readonly dead: string

  constructor(namespace: string) {
    this.namespace = namespace
    this.prefix = `${namespace}.${LAYOUT}`
    this.deliver = `${this.prefix}.deliver`
    this.unroutable = `${this.prefix}.unroutable`
    this.parked = `${this.prefix}.parked`
    this.dead = `${this.prefix}.dead`
  }

  /** The outlet in front of an exchange. */
  outlet(exchange: string): string {
    return `${this.prefix}.to.${exchange}`
  }

  /** The outlet in front of a queue. */
  queueOutlet(queue: string): string {
    return `${this.prefix}.to-queue.${queue}`
  }
}

/** The key of a destination, in the deliver exchange. */
export function destinationKey({ queue, exchange, outlet }: Destination): string {
  if (queue === undefined) return `dq~exchange~${exchange}`
  return `dq~${outlet ? 'outlet' : 'queue'}~${queue}`
}

export function deadQueue(queue: string): string {
  return `${queue}.dead`
}
