import type { PolicyFact } from './facts.js'

export interface Resource {
  kind: 'queue' | 'exchange'
  name: string
  /** Of a queue: `quorum`, `classic`, `stream`. */
  type: string
  arguments: Readonly<Record<string, unknown>>
}

const TYPE_OF: Readonly<Record<string, string>> = {
  classic_queues: 'classic',
  quorum_queues: 'quorum',
  streams: 'stream',
}

/** Undefined if JavaScript cannot read the pattern, which is one of Erlang's (PCRE). */
export function patternOf({ pattern }: PolicyFact): RegExp | undefined {
  try {
    return new RegExp(pattern)
  } catch {
    return undefined
  }
}

/** The policy that is in force: of those that match, the one with the highest priority. */
export function policyFor(policies: readonly PolicyFact[], resource: Resource): PolicyFact | undefined {
  const matching = policies.filter((policy) => applies(policy, resource) && patternOf(policy)?.test(resource.name))
  return matching.reduce<PolicyFact | undefined>(
    (best, one) => (best === undefined || one.priority > best.priority ? one : best),
    undefined,
  )
}

function applies({ applyTo }: PolicyFact, { kind, type }: Resource): boolean {
  return applyTo === 'all' || applyTo === `${kind}s` || (kind === 'queue' && TYPE_OF[applyTo] === type)
}

/** Keys for which the smaller value counts, of argument, policy and operator policy. For all others the argument counts. */
export const SMALLEST_COUNTS: readonly string[] = [
  'message-ttl',
  'expires',
  'max-length',
  'max-length-bytes',
  'delivery-limit',
]

/** What is in force for a key, whoever says it. */
export function effective(
  key: string,
  resource: Resource,
  policies: readonly PolicyFact[],
  operatorPolicies: readonly PolicyFact[],
): unknown {
  const argument = resource.arguments[resource.kind === 'queue' ? `x-${key}` : key]
  const set = policyFor(policies, resource)?.definition[key]
  const ordered = policyFor(operatorPolicies, resource)?.definition[key]
  const given = [argument, set, ordered].filter((value) => value !== undefined)
  if (!SMALLEST_COUNTS.includes(key)) return given[0]
  const numbers = given.filter((value) => typeof value === 'number')
  return numbers.length > 0 ? Math.min(...numbers) : undefined
}
