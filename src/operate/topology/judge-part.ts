import type { BindingPart, ExchangePart, Part, QueuePart } from '../../amqp/topology/part.js'
import { lastLook, type Facts, type ManagementFacts } from '../doctor/facts.js'

/** The facts by which the parts of the layout are judged. */
export type LayoutFacts = Pick<Facts, 'seenQueues' | 'seenExchanges'> & {
  management: Pick<ManagementFacts, 'looks' | 'exchanges' | 'bindings'>
}

/** A list holds the arguments that differ. Without the management API bindings and arguments are unknown. */
export type Verdict = 'ok' | 'missing' | 'unknown' | string[]

/** Whether a part is there, and as dueque declares it. */
export function judgePart(part: Part, facts: LayoutFacts): Verdict {
  const { exchanges, bindings } = facts.management
  const queues = lastLook(facts.management)
  if (part.kind === 'binding') {
    if (!bindings) return 'unknown'
    const there = bindings
      .get(part.from)
      ?.some(({ to, name, key }) => to === part.to && name === part.name && key === part.key)
    return there ? 'ok' : 'missing'
  }
  const seen = part.kind === 'queue' ? facts.seenQueues.get(part.name) : facts.seenExchanges.get(part.name)
  const listed = part.kind === 'queue' ? queues : exchanges
  if (!listed) return seen === undefined ? 'unknown' : seen === 'missing' ? 'missing' : 'ok'
  const found = listed.get(part.name)
  if (!found) return 'missing'
  const differing = differences(part.arguments, found.arguments)
  if (part.kind === 'exchange' && found.type !== part.type) differing.unshift(`type ${found.type}`)
  return differing.length > 0 ? differing : 'ok'
}

function differences(expected: Readonly<Record<string, unknown>>, found: Readonly<Record<string, unknown>>): string[] {
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
  return keys
    .filter((key) => expected[key] !== found[key])
    .map(
      (key) => `${key} is ${JSON.stringify(found[key]) ?? 'not set'}, not ${JSON.stringify(expected[key]) ?? 'unset'}`,
    )
}

/** A part that is missing, or is there with other arguments. */
export type Gap =
  | { kind: 'queue' | 'exchange'; name: string; change: 'missing'; lazy?: true }
  | { kind: 'queue' | 'exchange'; name: string; change: 'differs'; differences: string[] }
  | { kind: 'binding'; to: BindingPart['to']; name: string; from: string; key: string; change: 'missing' }

/**
 * The parts that are missing or differ. Of bindings only those whose ends are both there.
 *
 * @param workQueues used as they are, with any arguments
 */
export function gapsAmong(parts: readonly Part[], facts: LayoutFacts, workQueues: readonly string[]): Gap[] {
  const things = parts.filter((part) => part.kind !== 'binding')
  const missing = new Set(
    things.filter((part) => judgePart(part, facts) === 'missing').map(({ kind, name }) => `${kind} ${name}`),
  )
  return parts.flatMap((part): Gap[] => {
    const verdict = judgePart(part, facts)
    const isTheirs = part.kind === 'queue' && workQueues.includes(part.name)
    if (part.kind !== 'binding') return gapOf(part, isTheirs ? lenient(verdict) : verdict)
    const { kind, to, name, from, key } = part
    if (verdict !== 'missing' || missing.has(`${to} ${name}`) || missing.has(`exchange ${from}`)) return []
    return [{ kind, to, name, from, key, change: 'missing' }]
  })
}

function lenient(verdict: Verdict): Verdict {
  return Array.isArray(verdict) ? 'ok' : verdict
}

function gapOf({ kind, name }: QueuePart | ExchangePart, verdict: Verdict): Gap[] {
  if (verdict === 'missing') return [{ kind, name, change: 'missing' }]
  return Array.isArray(verdict) ? [{ kind, name, change: 'differs', differences: verdict }] : []
}
