import { Layout } from '../../amqp/topology/layout.js'
import type { Part } from '../../amqp/topology/part.js'
import { roleReader } from '../queue-roles.js'
import { LadderLayout } from '../../strategies/ladder/ladder-layout.js'
import { allRungs } from '../../strategies/ladder/rungs.js'
import { lastLook, type Facts } from './facts.js'
import { finding, type Finding } from '../../base/finding.js'
import { some } from './texts.js'
import { judgePart, type Verdict } from '../topology/judge-part.js'

const ON_CONNECT = 'dueque topology apply, as a user who may configure it'

/** Whether the parts of the layout are there, with the arguments and bindings that they need. */
export function checkLayout(facts: Facts): Finding[] {
  const parts = [...new Layout(facts.names, facts.queueType).base(), ...new LadderLayout(facts.names).exchanges()]
  const wrong = parts.map((part) => judgePart(part, facts))
  const missing = parts.filter((_, i) => wrong[i] === 'missing')
  const known = wrong.filter((one) => one !== 'unknown').length
  const things = parts.filter(({ kind }, i) => kind !== 'binding' && wrong[i] !== 'unknown').length
  if (known === 0) return []
  if (things > 0 && missing.filter(({ kind }) => kind !== 'binding').length === things) {
    const what = `nothing is declared in namespace ${facts.names.prefix} of vhost ${facts.vhost} yet`
    if (facts.topology === 'trust') return [finding('error', 'layout-missing', what, ON_CONNECT)]
    return [finding('note', 'layout-new', what, 'nothing: the first dueque process that connects declares it')]
  }
  const findings = parts.flatMap((part, i) => describe(part, wrong[i]!))
  const rungs = checkRungs(facts)
  if (findings.length === 0)
    findings.push(finding('ok', 'layout', 'the exchanges of the layout and its queues for strays are there'))
  return [...findings, ...rungs]
}

function describe(part: Part, verdict: Verdict): Finding[] {
  if (verdict === 'ok' || verdict === 'unknown') return []
  if (part.kind === 'binding') {
    const what = `${part.to} ${part.name} is not bound to exchange ${part.from} with key "${part.key}"`
    return [finding('error', 'binding-missing', what, ON_CONNECT)]
  }
  const what = `${part.kind} ${part.name}`
  if (verdict === 'missing') return [finding('error', `${part.kind}-missing`, `${what} is missing`, ON_CONNECT)]
  return [differs(what, verdict)]
}

function differs(what: string, verdict: readonly string[]): Finding {
  return finding(
    'error',
    'arguments-differ',
    `${what} is not as dueque declares it: ${verdict.join('; ')}`,
    'one queueType for all programs of a namespace; delete the wrong ones when they are empty, so that they are declared again',
  )
}

function checkRungs(facts: Facts): Finding[] {
  const queues = lastLook(facts.management)
  if (!queues) return []
  const roleOf = roleReader(facts.names)
  const layout = new LadderLayout(facts.names)
  const there = [...queues.keys()].flatMap((queue) => {
    const role = roleOf(queue)
    return role?.kind === 'rung' ? [role] : []
  })
  const findings = there.flatMap(({ rung, variant }) => {
    const [queue, ...bindings] = layout.rung(rung, variant) as [Part, ...Part[]]
    const unbound = bindings.filter((part) => judgePart(part, facts) === 'missing')
    const verdict = judgePart(queue, facts)
    return [
      ...(Array.isArray(verdict) ? [differs(`rung ${queue.name}`, verdict)] : []),
      ...unbound.map((part) => unboundRung(part)),
    ]
  })
  const idOf = rungId(facts)
  return [
    ...findings,
    ...missingRungs(new Set(there.map(({ rung, variant }) => idOf(rung.name, variant.shard))), facts),
  ]
}

function unboundRung(part: Part): Finding {
  const { name, from, key } = part as Extract<Part, { kind: 'binding' }>
  return finding(
    'error',
    'rung-unbound',
    `rung ${name} is not bound to exchange ${from} with key "${key}": messages that should wait there next are unroutable`,
    'dueque topology apply',
  )
}

function rungId({ shards }: Facts): (name: string, shard: number) => string {
  return (name, shard) => (shards > 1 ? `${name}.${shard}` : name)
}

/** Rungs are declared on first use: a missing one matters only if most are there, or if this user may not declare it. */
function missingRungs(there: ReadonlySet<string>, facts: Facts): Finding[] {
  const { names, probes, user, topology, shards } = facts
  const idOf = rungId(facts)
  const missing = Array.from({ length: shards }, (_, shard) =>
    allRungs().flatMap(({ name }) => (there.has(idOf(name, shard)) ? [] : [name])),
  )
  const all = allRungs().length * shards
  const count = missing.flat().length
  const each = shards > 1 ? `, in ${shards} queues each` : ''
  if (count === 0) return [finding('ok', 'rungs', `all ${allRungs().length} rungs are there${each}`)]
  const texts = missing.flatMap((rungs, shard) =>
    ranges(rungs).map((text) => (shard > 0 ? `${text} (shard ${shard})` : text)),
  )
  const list = some(texts, 8)
  const denied = probes.some(
    ({ name, permission, allowed }) =>
      allowed === false && permission === 'configure' && name.startsWith(`${names.prefix}.wait.`),
  )
  if (denied || topology === 'trust') {
    const why = denied ? `user ${user} may not declare them` : 'they are not declared on first use with topology trust'
    const what = `${count} ${shards > 1 ? 'queues of rungs' : 'rungs'} are missing, and ${why}: ${list}`
    return [finding('error', 'rung-missing', what, 'dueque topology apply, as a user who may')]
  }
  if (all - count >= all / 2) {
    const what = `rungs are missing that somebody may have deleted: ${list}`
    return [
      finding(
        'warning',
        'rung-missing',
        what,
        'dueque topology apply; messages that waited in a deleted rung are gone',
      ),
    ]
  }
  return [
    finding('ok', 'rungs', `${all - count} of ${all} rungs${each} are there; the others are declared on first use`),
  ]
}

/** `1s…3s` for three in a row, in the order of all rungs. */
export function ranges(missing: readonly string[]): string[] {
  const order = allRungs().map(({ name, unit }) => ({ name, unit: unit.name }))
  const wanted = new Set(missing)
  const runs: string[][] = []
  order.forEach(({ name, unit }, i) => {
    if (!wanted.has(name)) return
    const before = order[i - 1]
    const goesOn = before !== undefined && before.unit === unit && wanted.has(before.name)
    if (goesOn) runs.at(-1)!.push(name)
    else runs.push([name])
  })
  return runs.map((run) => (run.length > 1 ? `${run[0]}…${run.at(-1)}` : run[0]!))
}
