import { cancellationLayout, journalLayout, type LogLayout } from '../../log/log-layout.js'
import type { Facts, Probe } from './facts.js'
import { finding, type Finding } from '../../base/finding.js'
import { escaped, quoted, some } from './texts.js'

const PERMISSIONS = ['configure', 'write', 'read'] as const

/** Whether this user has what docs/operations/permissions.md lists for the namespace, and for the queues that were asked for. */
export function checkPermissions(facts: Facts): Finding[] {
  const { probes, names, user, topology } = facts
  const isLeft = ({ permission, name }: Probe) => permission === 'read' && name === names.unroutable
  const optional = (probe: Probe) =>
    topology === 'trust' && (isLeft(probe) || isToCancel(probe, facts) || isToList(probe, facts))
  const denied = probes.filter(({ allowed }) => allowed === false)
  const needed = denied.filter((probe) => !optional(probe))
  const findings = PERMISSIONS.flatMap((permission) => {
    const missing = needed.filter((probe) => probe.permission === permission).map(({ name }) => name)
    if (missing.length === 0) return []
    const what = `user ${user} has no ${permission} permission on ${some(missing)}`
    const todo = topology === 'trust' ? trusting(missing, facts) : declaring(permission, missing, facts)
    return [finding('error', `no-${permission}-permission`, what, todo)]
  })
  if (topology === 'trust' && denied.some(isLeft)) findings.push(leftToOthers(facts))
  const unknown = probes.filter(({ allowed }) => allowed === 'unknown')
  if (unknown.length > 0) findings.push(unclear(unknown))
  return findings.length > 0 ? findings : [finding('ok', 'permissions', granted(facts))]
}

/** Whether it is the right to cancel, which not everybody needs. */
function isToCancel({ permission, name }: Probe, { names }: Facts): boolean {
  return permission === 'write' && name === cancellationLayout(names).exchange
}

function mayCancel(facts: Facts): boolean {
  return facts.probes.some((probe) => probe.allowed === true && isToCancel(probe, facts))
}

/** Whether it is a right to list waiting messages, which a program with a journal does not need to write it. */
function isToList({ permission, name }: Probe, { names, queues }: Facts): boolean {
  if (permission !== 'read') return false
  // A consumer needs those of cancellations for itself.
  return has(journalLayout(names), name) || (queues.length === 0 && has(cancellationLayout(names), name))
}

/** With the streams of cancellations: a cancelled message does not wait. */
function mayList(facts: Facts): boolean {
  const { names, probes, journal, hasStreams } = facts
  const logs = [journalLayout(names), cancellationLayout(names)]
  const rights = probes.filter(({ permission, name }) => permission === 'read' && logs.some((log) => has(log, name)))
  return journal && hasStreams && rights.length > 0 && rights.every(({ allowed }) => allowed === true)
}

function has(log: LogLayout, stream: string): boolean {
  return log.streams().some(({ name }) => name === stream)
}

function granted(facts: Facts): string {
  const { names, user, topology, queues } = facts
  if (topology !== 'trust') return `user ${user} may configure, write and read ${names.prefix}.*`
  const consumes = queues.length > 0 ? `, and consume ${some(queues)}` : ''
  const acts = ['schedule', ...(mayCancel(facts) ? ['cancel'] : []), ...(mayList(facts) ? ['list'] : [])]
  const list = [acts.slice(0, -1).join(', '), acts.at(-1)].filter(Boolean).join(' and ')
  return `user ${user} may ${list} in namespace ${names.prefix}${consumes}`
}

function declaring(permission: Probe['permission'], missing: readonly string[], { names, user, vhost }: Facts): string {
  const own = (name: string) => name.startsWith(`${names.prefix}.`)
  const alternatives = missing.map((name) => (own(name) ? `${escaped(names.prefix)}\\..*` : escaped(name)))
  const pattern = quoted(`^(${[...new Set(alternatives)].join('|')})$`)
  const order = PERMISSIONS.map((one) => (one === permission ? pattern : one.toUpperCase())).join(' ')
  return `rabbitmqctl set_permissions -p ${quoted(vhost)} ${quoted(user)} ${order} (replaces all three: keep its other permissions); less will do with topology: 'trust'`
}

/** The patterns of docs/operations/permissions.md for a producer, or for a consumer of these queues. */
function trusting(missing: readonly string[], facts: Facts): string {
  const { names, user, vhost, queues, journal, recurring } = facts
  const own = escaped(names.prefix)
  const consumes = queues.length > 0
  const write = `^${own}\\.(entry\\..+|deliver${consumes ? '|dead|parked' : ''}${mayCancel(facts) ? '|cancellations' : ''}${journal ? '|journal' : ''}${recurring ? '|recurring' : ''})$`
  const read = readable(own, facts)
  const patterns = ['^$', write, read].map(quoted).join(' ')
  const instead = missing.some((name) => has(cancellationLayout(names), name))
    ? "; or consume with cancellations: 'off'"
    : ''
  return `rabbitmqctl set_permissions -p ${quoted(vhost)} ${quoted(user)} ${patterns} (replaces all three: keep its other permissions)${instead}`
}

function readable(own: string, facts: Facts): string {
  const { queues, hasStreams, recurring } = facts
  if (queues.length === 0) {
    const logs = [...(mayList(facts) ? ['(cancellations|journal)\\..+'] : []), ...(recurring ? ['recurring'] : [])]
    return logs.length === 0 ? '^$' : `^${own}\\.${logs.length === 1 ? logs[0] : `(${logs.join('|')})`}$`
  }
  const logs = [
    ...(hasStreams ? ['cancellations\\..+'] : []),
    ...(mayList(facts) ? ['journal\\..+'] : []),
    ...(recurring ? ['recurring', 'ticks'] : []),
  ]
  const ofNamespace = logs.length > 0 ? `(${['unroutable', ...logs].join('|')})` : 'unroutable'
  return `^(${[`${own}\\.${ofNamespace}`, ...queues.map(escaped)].join('|')})$`
}

function leftToOthers({ names, user }: Facts): Finding {
  const what = `user ${user} may not read ${names.unroutable}, and leaves unroutable messages to other processes`
  return finding('note', 'unroutable-left', what, 'let at least one process of the namespace read it')
}

function unclear(probes: readonly Probe[]): Finding {
  const what = `permissions could not be found out: ${some(probes.map(({ permission, name }) => `${permission} on ${name}`))}`
  return finding('note', 'permissions-unclear', what, 'rabbitmqctl list_user_permissions')
}
