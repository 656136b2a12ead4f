import { LadderNames, rungReader } from '../strategies/ladder/ladder-names.js'
import type { Rung, RungVariant } from '../strategies/ladder/rungs.js'
import { deadQueue, type Names } from '../amqp/topology/names.js'
import { cancellationLayout } from '../log/log-layout.js'

/** The purpose of a queue, which its name tells. */
export type QueueRole =
  | { kind: 'rung'; rung: Rung; variant: RungVariant }
  | { kind: 'outlet'; exchange: string; queue?: never }
  | { kind: 'outlet'; queue: string; exchange?: never }
  /** Messages without a route wait there for a process to look at them. */
  | { kind: 'unroutable' }
  | { kind: 'parked' }
  /** A stream of cancellations, which holds no messages. */
  | { kind: 'cancellations' }
  /** `of` is the work queue. Its name says nothing about the namespace. */
  | { kind: 'dead'; of: string }

/** Reads the names of queues: the way back of {@link Names}. */
export function roleReader(names: Names): (queue: string) => QueueRole | undefined {
  const rungOf = rungReader(new LadderNames(names))
  const outlet = names.outlet('')
  const queueOutlet = names.queueOutlet('')
  const dead = deadQueue('')
  const streams = new Set(
    cancellationLayout(names)
      .streams()
      .map(({ name }) => name),
  )
  return (queue) => {
    const rung = rungOf(queue)
    if (rung) return { kind: 'rung', ...rung }
    if (queue === names.unroutable) return { kind: 'unroutable' }
    if (queue === names.parked) return { kind: 'parked' }
    if (streams.has(queue)) return { kind: 'cancellations' }
    if (queue.startsWith(outlet)) return { kind: 'outlet', exchange: queue.slice(outlet.length) }
    if (queue.startsWith(queueOutlet)) return { kind: 'outlet', queue: queue.slice(queueOutlet.length) }
    if (queue.endsWith(dead) && queue !== dead) return { kind: 'dead', of: queue.slice(0, -dead.length) }
    return undefined
  }
}
