import type { Facts, Probe } from './facts.js'
import { escaped, finding, quoted, some, type Finding } from './finding.js'

const PERMISSIONS = ['configure', 'write', 'read'] as const

/** Whether this user has what docs/operations.md lists for the namespace, and for the queues that were asked for. */
export function checkPermissions({ probes, names, user, vhost }: Facts): Finding[] {
  const own = (name: string) => name.startsWith(`${names.prefix}.`)
  const denied = probes.filter(({ allowed }) => allowed === false)
  const findings = PERMISSIONS.flatMap((permission) => {
    const missing = denied.filter((probe) => probe.permission === permission).map(({ name }) => name)
    if (missing.length === 0) return []
    const pattern = `^(${[...new Set(missing.map((name) => (own(name) ? `${escaped(names.prefix)}\\..*` : escaped(name))))].join('|')})$`
    const what = `user ${user} has no ${permission} permission on ${some(missing)}`
    const order = PERMISSIONS.map((one) => (one === permission ? quoted(pattern) : one.toUpperCase())).join(' ')
    const todo = `rabbitmqctl set_permissions -p ${quoted(vhost)} ${quoted(user)} ${order} (replaces all three: keep what the others allow); less will do with topology: 'trust'`
    return [finding('error', `no-${permission}-permission`, what, todo)]
  })
  const unknown = probes.filter(({ allowed }) => allowed === 'unknown')
  if (unknown.length > 0) findings.push(unclear(unknown))
  if (findings.length > 0) return findings
  return [finding('ok', 'permissions', `user ${user} may configure, write and read ${names.prefix}.*`)]
}

function unclear(probes: readonly Probe[]): Finding {
  const what = `permissions could not be found out: ${some(probes.map(({ permission, name }) => `${permission} on ${name}`))}`
  return finding('note', 'permissions-unclear', what, 'rabbitmqctl list_user_permissions')
}
