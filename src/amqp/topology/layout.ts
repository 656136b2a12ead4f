import { batchQueue } from '../../message/batch.js'
import { deadQueue, destinationKey, type Names, type QueueType } from './names.js'
import { exchange, queue, queueBinding, type Part } from './part.js'
import { storageArguments, waitArguments, workArguments } from './queue-arguments.js'

/**
 * The parts of the topology that every strategy needs, in the order in which they can be declared: docs/wire-format.md.
 * A strategy adds its own.
 */
export class Layout {
  readonly names: Names
  readonly queueType: QueueType

  constructor(names: Names, queueType: QueueType) {
    this.names = names
    this.queueType = queueType
  }

  /** The exchange that routes due messages, and the queues for messages that it cannot route. */
  base(): Part[] {
    const { deliver, unroutable, parked, dead } = this.names
    const storage = storageArguments(this.queueType)
    return [
      exchange(unroutable, 'fanout'),
      queue(unroutable, storage),
      exchange(parked, 'fanout'),
      queue(parked, storage),
      queueBinding(parked, parked, ''),
      exchange(dead, 'direct'),
      queueBinding(unroutable, unroutable, ''),
      exchange(deliver, 'direct', { 'alternate-exchange': unroutable }),
    ]
  }

  /** A work queue. Its dead queue comes first. Needs the base. */
  workQueue(name: string): Part[] {
    const key = destinationKey({ queue: deadQueue(name) })
    const args = workArguments(this.queueType, this.names.deliver, key)
    return [...this.dead(name), queue(name, args), this.binding(name)]
  }

  /** The queue for the batches of a work queue, whose dead letters are the work queue's. Needs the base and the dead queue. */
  batches(name: string): Part[] {
    const key = destinationKey({ queue: deadQueue(name) })
    const batches = batchQueue(name)
    return [queue(batches, workArguments(this.queueType, this.names.deliver, key)), this.binding(batches)]
  }

  /** The binding that makes a queue a destination. */
  binding(name: string): Part {
    return queueBinding(name, this.names.deliver, destinationKey({ queue: name }))
  }

  /** The queue for messages on which a consumer of the queue `name` gives up. */
  dead(name: string): Part[] {
    const dead = deadQueue(name)
    const key = destinationKey({ queue: dead })
    // RabbitMQ's own dead letters come by way of `deliver`.
    return [queue(dead, storageArguments(this.queueType)), queueBinding(dead, this.names.dead, key), this.binding(dead)]
  }

  /**
   * The queue in front of an exchange. At-least-once dead-lettering waits for ever for an exchange that routes nowhere; the
   * outlet keeps that from every other destination: docs/decisions/001-path-in-bcc.md.
   */
  outlet(target: string): Part[] {
    const outlet = this.names.outlet(target)
    const key = destinationKey({ exchange: target, routingKey: '' })
    return [queue(outlet, waitArguments(this.queueType, 0, target)), queueBinding(outlet, this.names.deliver, key)]
  }

  /**
   * Likewise for a queue that may refuse messages. It hands on by the default exchange, which routes to every queue, and
   * with a key of its own, because RabbitMQ 3.10 forgets BCC when it tries again. Always a quorum queue: a classic one would
   * drop refused messages.
   */
  queueOutlet(target: string): Part[] {
    const outlet = this.names.queueOutlet(target)
    const args = { ...waitArguments('quorum', 0, ''), 'x-dead-letter-routing-key': target }
    const key = destinationKey({ queue: target, outlet: true })
    return [queue(outlet, args), queueBinding(outlet, this.names.deliver, key)]
  }
}
