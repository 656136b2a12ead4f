import type { Layout } from '../amqp/topology/layout.js'
import { destinationKey, type Names } from '../amqp/topology/names.js'
import { queue, queueBinding, type Part } from '../amqp/topology/part.js'
import { storageArguments } from '../amqp/topology/queue-arguments.js'

/**
 * The queue of ticks of a namespace. Its name is reserved, so that a tick is scheduled with `bind: false`, once the
 * {@link tickParts} are declared.
 */
export function tickQueue({ prefix }: Pick<Names, 'prefix'>): string {
  return `${prefix}.ticks`
}

/**
 * The queue of ticks, bound as a destination: one consumer at a time gets ticks. It has neither a dead queue nor a limit of
 * deliveries, because a tick that one version cannot read is for another one. Needs the base.
 */
export function tickParts({ names, queueType }: Layout): Part[] {
  const name = tickQueue(names)
  const args = { ...storageArguments(queueType), 'x-single-active-consumer': true }
  return [queue(name, args), queueBinding(name, names.deliver, destinationKey({ queue: name }))]
}
