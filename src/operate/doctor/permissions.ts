import type { Facts, Probe } from './facts.js'
import { finding, type Finding } from '../../base/finding.js'
import { escaped, quoted, some } from './texts.js'

const PERMISSIONS = ['configure', 'write', 'read'] as const

/** Whether this user has what docs/operations.md lists for the namespace, and for the queues that were asked for. */
export function checkPermissions(facts: Facts): Finding[] {
  const { probes, names, user, topology } = facts
  const optional = ({ permission, name }: Probe) =>
    topology === 'trust' && permission === 'read' && name === names.unroutable
  const denied = probes.filter(({ allowed }) => allowed === false)
  const needed = denied.filter((probe) => !optional(probe))
  const findings = PERMISSIONS.flatMap((permission) => {
    const missing = needed.filter((probe) => probe.permission === permission).map(({ name }) => name)
    if (missing.length === 0) return []
    const what = `user ${user} has no ${permission} permission on ${some(missing)}`
    const todo = topology === 'trust' ? trusting(facts) : declaring(permission, missing, facts)
    return [finding('error', `no-${permission}-permission`, what, todo)]
  })
  if (denied.some(optional)) findings.push(leftToOthers(facts))
  const unknown = probes.filter(({ allowed }) => allowed === 'unknown')
  if (unknown.length > 0) findings.push(unclear(unknown))
  return findings.length > 0 ? findings : [finding('ok', 'permissions', granted(facts))]
}

function granted({ names, user, topology, queues }: Facts): string {
  if (topology !== 'trust') return `user ${user} may configure, write and read ${names.prefix}.*`
  return `user ${user} may schedule in namespace ${names.prefix}${queues.length > 0 ? `, and consume ${some(queues)}` : ''}`
}

function declaring(permission: Probe['permission'], missing: readonly string[], { names, user, vhost }: Facts): string {
  const own = (name: string) => name.startsWith(`${names.prefix}.`)
  const alternatives = missing.map((name) => (own(name) ? `${escaped(names.prefix)}\\..*` : escaped(name)))
  const pattern = quoted(`^(${[...new Set(alternatives)].join('|')})$`)
  const order = PERMISSIONS.map((one) => (one === permission ? pattern : one.toUpperCase())).join(' ')
  return `rabbitmqctl set_permissions -p ${quoted(vhost)} ${quoted(user)} ${order} (replaces all three: keep its other permissions); less will do with topology: 'trust'`
}

/** The patterns of docs/operations.md for a producer, or for a consumer of these queues. */
function trusting({ names, user, vhost, queues }: Facts): string {
  const own = escaped(names.prefix)
  const consumes = queues.length > 0
  const write = `^${own}\\.(entry\\..+|deliver${consumes ? '|dead|parked' : ''})$`
  const read = consumes ? `^(${[escaped(names.unroutable), ...queues.map(escaped)].join('|')})$` : '^$'
  const patterns = ['^$', write, read].map(quoted).join(' ')
  return `rabbitmqctl set_permissions -p ${quoted(vhost)} ${quoted(user)} ${patterns} (replaces all three: keep its other permissions)`
}

function leftToOthers({ names, user }: Facts): Finding {
  const what = `user ${user} may not read ${names.unroutable}, and leaves unroutable messages to other processes`
  return finding('note', 'unroutable-left', what, 'let at least one process of the namespace read it')
}

function unclear(probes: readonly Probe[]): Finding {
  const what = `permissions could not be found out: ${some(probes.map(({ permission, name }) => `${permission} on ${name}`))}`
  return finding('note', 'permissions-unclear', what, 'rabbitmqctl list_user_permissions')
}
