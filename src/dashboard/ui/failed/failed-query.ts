import type { FailedChoice, FailedKindName } from '../../api.js'
import { hrefOf } from '../data/hash-route.js'

/** What the address of the page says of failed messages. */
export type FailedQuery = Pick<FailedChoice, 'queue' | 'name' | 'reason'>

export function failedQueryOf(query: URLSearchParams): FailedQuery {
  const [queue, name, reason] = [query.get('queue'), query.get('name'), query.get('reason')]
  return { ...(queue && { queue }), ...(name && { name }), ...(reason && { reason }) }
}

export function failedHref(kind: FailedKindName, query: FailedQuery, message?: string): string {
  return hrefOf(kind, { ...query, message })
}

/** A choice that leaves no failed message of the queue out. */
export function isWhole({ name, reason }: FailedQuery): boolean {
  return !name && !reason
}
