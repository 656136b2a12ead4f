/** A strategy of the run. Each has a namespace, queues and recurring schedules of its own. */
export type Kind = 'ladder' | 'redis' | 'postgres'

/** A queue with consumers of dueque. */
export interface WorkQueue {
  queue: string
  /** They take batches. */
  batches?: boolean
  /** They share a dedupe store. */
  dedupe?: Kind
}

/** Bound to the exchange. */
export const TOPIC_QUEUE = 'soak.topic.work'
export const EXCHANGE = 'soak.topic'
/** A gate forwards its messages to a consumer that does not know dueque. */
export const GATED = { from: 'soak.gated', to: 'soak.gated.due' } as const
/** An operator redrives its dead messages and unpacks its batches. */
export const OPERATED_QUEUE = 'soak.operated'

export const namespaceOf = (kind: Kind): string => `soak-${kind}`
export const queueOf = (kind: Kind): string => `soak.${kind}`
export const dedupedQueueOf = (store: Kind): string => `soak.deduped.${store}`

/** @param kinds of the run, the ladder first */
export function workQueuesOf(kind: Kind, kinds: readonly Kind[]): WorkQueue[] {
  if (kind !== 'ladder') return [{ queue: queueOf(kind) }]
  const deduped = kinds.slice(1).map((store) => ({ queue: dedupedQueueOf(store), batches: true, dedupe: store }))
  return [{ queue: queueOf(kind), batches: true }, { queue: TOPIC_QUEUE }, { queue: OPERATED_QUEUE }, ...deduped]
}
