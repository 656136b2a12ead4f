import type { Facts, PolicyFact } from './facts.js'
import { KEPT_LONGER_MS } from '../../log/horizons.js'
import type { LogKind } from '../../log/log-layout.js'
import { isReadable, policyFor } from './effective-policy.js'
import { finding, type Finding, type Severity } from '../../base/finding.js'
import { exactly, quoted, some } from './texts.js'
import { layoutTargets, type Target } from './targets.js'

const DROPS_TICKS = 'drops ticks of recurring messages, which stop for up to an hour'

type Effect = [severity: Severity, effect: string]

/** Policies and operator policies that change dueque's own queues and exchanges, or the destinations behind them. */
export function checkPolicies(facts: Facts): Finding[] {
  const { policies, operatorPolicies } = facts.management
  if (!policies && !operatorPolicies) return []
  const targets = layoutTargets(facts)
  const findings = [
    ...checkKind('policy', policies ?? [], targets, facts),
    ...checkKind('operator policy', operatorPolicies ?? [], targets, facts),
  ]
  return findings.length > 0 ? findings : [finding('ok', 'policies', 'no policy changes how messages wait')]
}

function checkKind(kind: string, policies: readonly PolicyFact[], targets: readonly Target[], facts: Facts): Finding[] {
  const hits = new Map<
    string,
    { policy: PolicyFact; key: string; severity: Severity; effect: string; names: string[] }
  >()
  for (const target of targets) {
    const policy = policyFor(policies, target)
    for (const [key, value] of Object.entries(policy?.definition ?? {})) {
      const [severity, effect] = effectOf(key, value, target) ?? []
      if (!policy || !severity || !effect) continue
      const id = JSON.stringify([policy.name, key, effect])
      const known = hits.get(id) ?? { policy, key, severity, effect, names: [] }
      hits.set(id, known)
      known.names.push(target.name)
    }
  }
  const clear = kind === 'policy' ? 'clear_policy' : 'clear_operator_policy'
  const found = [...hits.values()].map(({ policy: { name, pattern, definition }, key, severity, effect, names }) => {
    const what = `${kind} ${name} (pattern ${pattern}) sets ${key}=${JSON.stringify(definition[key])} on ${some(names)}: ${effect}`
    const todo = `rabbitmqctl ${clear} -p ${quoted(facts.vhost)} ${quoted(name)}, or a pattern without them: ${quoted(without(facts, names, pattern))}`
    return finding(severity, `policy-${key}`, what, todo)
  })
  return [...found, ...policies.filter((policy) => !isReadable(policy)).map((policy) => unreadable(kind, policy))]
}

/** The same pattern, without the names that it must not match. */
function without({ names }: Facts, hit: readonly string[], pattern: string): string {
  const other = hit.filter((name) => !name.startsWith(`${names.prefix}.`)).map((name) => exactly(name).slice(1))
  const own = other.length < hit.length ? [`${names.prefix.replaceAll('.', '\\.')}\\.`] : []
  return `^(?!${[...own, ...other].join('|')})(?=.*(?:${pattern}))`
}

function unreadable(kind: string, { name, pattern }: PolicyFact): Finding {
  const what = `${kind} ${name} has a pattern that was not understood here: ${pattern}`
  return finding('note', 'policy-unreadable', what, 'see in the management UI which queues it applies to')
}

/** The effect of a key on a queue or an exchange of the layout; undefined if it does not matter. */
export function effectOf(key: string, value: unknown, target: Target): Effect | undefined {
  if (isLog(target.role)) return effectOnLog(key, value, target, target.role)
  const given = target.arguments[target.kind === 'queue' ? `x-${key}` : key]
  switch (key) {
    case 'message-ttl':
      return ttlEffect(Number(value), target)
    case 'expires':
      return target.kind === 'queue'
        ? ['error', 'deletes a queue that nobody consumes, with all that is in it']
        : undefined
    case 'max-length':
    case 'max-length-bytes':
      return lengthEffect(target)
    case 'delivery-limit':
      if (target.role === 'ticks') return ['warning', 'drops ticks that were given back that often']
      return ['unroutable', 'parked', 'dead'].includes(target.role)
        ? ['warning', 'drops messages that were looked at and given back that often']
        : undefined
    case 'dead-letter-routing-key':
      return ['wait', 'outlet'].includes(target.role) && given === undefined
        ? ['error', 'replaces the route of waiting messages, which do not arrive']
        : undefined
    case 'alternate-exchange':
      return target.role === 'entry' || target.role === 'dead exchange'
        ? ['error', 'takes messages without a queue, instead of returning them to be sent again']
        : undefined
    case 'federation-upstream':
    case 'federation-upstream-set':
      return ['warning', 'federates the layout: messages wait twice, or leave too early']
    default:
      return undefined
  }
}

const LOGS: Readonly<Record<LogKind, { records: string; early: string; late?: string }>> = {
  cancellations: {
    records: 'cancellations',
    early: 'before the messages that they name are due, and these are handled',
    late: 'less than 7 days after the messages that they name are due',
  },
  journal: {
    records: 'journal entries',
    early: 'of messages that still wait, and these are not listed any more and cannot be restored',
  },
  recurring: {
    records: 'definitions',
    early: 'of recurring messages that still run, and these end',
    late: 'less than 7 days after they were to be written again',
  },
}

function isLog(role: Target['role']): role is LogKind {
  return Object.hasOwn(LOGS, role)
}

/** Of policies for other queues a stream takes nothing. */
function effectOnLog(key: string, value: unknown, { kind, arguments: args }: Target, log: LogKind): Effect | undefined {
  const { records, early, late } = LOGS[log]
  if (kind === 'exchange') {
    if (key !== 'alternate-exchange') return undefined
    return ['error', `takes ${records} for which a stream is missing, instead of returning them`]
  }
  if (key === 'max-length-bytes') return ['error', `when a stream has that size, drops ${records} ${early}`]
  if (key !== 'max-age') return undefined
  const [keptMs, ownMs] = [ageMs(value), ageMs(args['x-max-age'])]
  if (keptMs === undefined || ownMs === undefined || keptMs >= ownMs) return undefined
  if (keptMs < ownMs - KEPT_LONGER_MS) return ['error', `drops ${records} ${early}`]
  return late === undefined ? undefined : ['warning', `drops ${records} ${late}`]
}

const AGE_MS: Readonly<Record<string, number>> = {
  Y: 31_536_000_000,
  M: 2_592_000_000,
  D: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
}

/** RabbitMQ's own units: rabbit_amqqueue:check_max_age/1. */
function ageMs(age: unknown): number | undefined {
  const [, count, unit = ''] = /^(\d+)([YMDhms])$/.exec(String(age)) ?? []
  return count === undefined ? undefined : Number(count) * AGE_MS[unit]!
}

function ttlEffect(ttlMs: number, { kind, role, arguments: args }: Target): Effect | undefined {
  if (kind !== 'queue') return undefined
  if (role === 'wait') return ttlMs < Number(args['x-message-ttl']) ? ['error', 'ends waits too early'] : undefined
  if (role === 'outlet') return undefined
  if (role === 'work') return ['warning', 'removes messages that were not consumed in time']
  if (role === 'ticks') return ['error', DROPS_TICKS]
  return ['error', 'drops messages that are kept for somebody to look at']
}

function lengthEffect({ kind, role }: Target): Effect | undefined {
  if (kind !== 'queue') return undefined
  if (role === 'wait' || role === 'outlet')
    return ['error', 'refuses messages when it is full, and stops the queues before it']
  // A work queue is judged with its other limits, as a destination.
  if (role === 'work') return undefined
  if (role === 'ticks') return ['error', DROPS_TICKS]
  return ['error', 'drops messages that are kept for somebody to look at']
}
