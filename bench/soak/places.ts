import type { Destination } from 'dueque'
import { dedupedQueueOf, EXCHANGE, GATED, OPERATED_QUEUE, queueOf, type Kind } from './queues.js'
import { below } from './random.js'

/** Where a message goes, and what is special about the way from there. */
export interface Place {
  to: Destination
  /** Messages to it may be scheduled in batches. */
  takesBatches?: boolean | undefined
  isDeduped?: boolean | undefined
  isGated?: boolean | undefined
  isOperated?: boolean | undefined
}

/** In percent of the ladder's messages; the others go to its own queue. */
const [TOPIC, DEDUPED, GATED_SHARE, OPERATED] = [20, 15, 15, 15]

/** @param kinds of the run, the ladder first */
export function placeOf(kind: Kind, kinds: readonly Kind[], random: () => number): Place {
  if (kind !== 'ladder') return { to: { queue: queueOf(kind) } }
  const stores = kinds.slice(1)
  const number = random() * 100
  if (number < TOPIC) return { to: { exchange: EXCHANGE, routingKey: `soak.${below(7, random)}` } }
  if (number < TOPIC + GATED_SHARE) return { to: { queue: GATED.from }, isGated: true }
  if (number < TOPIC + GATED_SHARE + OPERATED)
    return { to: { queue: OPERATED_QUEUE }, takesBatches: true, isOperated: true }
  if (stores.length > 0 && number < TOPIC + GATED_SHARE + OPERATED + DEDUPED) {
    const store = stores[below(stores.length, random)]!
    return { to: { queue: dedupedQueueOf(store) }, takesBatches: true, isDeduped: true }
  }
  return { to: { queue: queueOf(kind) }, takesBatches: true }
}
