import { createContext, Script } from 'node:vm'
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

/** The names that a policy was asked about; undefined for a pattern that cannot be asked. */
const answers = new WeakMap<PolicyFact, Map<string, boolean> | undefined>()
/** For one name: a pattern takes microseconds, even on a busy machine, or practically for ever. */
const TIMEOUT_MS = 1000
const asking = new Script('new RegExp(pattern).test(name)')
let context: { pattern: string; name: string } | undefined

/** Whether a policy's pattern finds a name. False if the pattern is not readable, see {@link isReadable}. */
function finds(policy: PolicyFact, name: string): boolean {
  const known = answers.has(policy) ? answers.get(policy) : new Map<string, boolean>()
  const before = known?.get(name)
  if (!known || before !== undefined) return before ?? false
  try {
    context ??= createContext({ pattern: '', name: '' }) as { pattern: string; name: string }
    Object.assign(context, { pattern: policy.pattern, name })
    const found = asking.runInContext(context, { timeout: TIMEOUT_MS }) === true
    answers.set(policy, known.set(name, found))
    return found
  } catch {
    // It is one of Erlang's (PCRE), which are not all JavaScript's; or it took too long.
    answers.set(policy, undefined)
    return false
  }
}

/** Whether the pattern could be understood here, and had an answer in time for each name so far. */
export function isReadable(policy: PolicyFact): boolean {
  finds(policy, '')
  return answers.get(policy) !== undefined
}

/** The policy that is in force: of those that match, the one with the highest priority. */
export function policyFor(policies: readonly PolicyFact[], resource: Resource): PolicyFact | undefined {
  const matching = policies.filter((policy) => applies(policy, resource) && finds(policy, resource.name))
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

/** The value in force for a key: of the argument, the policy and the operator policy. */
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
