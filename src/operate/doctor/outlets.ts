import { counted } from '../../base/counted.js'
import { effective } from './effective-policy.js'
import { lastLook, type Facts } from './facts.js'
import { finding, type Finding } from '../../base/finding.js'
import { quoted } from './texts.js'

/** The exchanges that are destinations: whether they route due messages. */
export function checkOutlets(facts: Facts): Finding[] {
  const queues = lastLook(facts.management)
  const { exchanges, bindings } = facts.management
  if (!queues || !exchanges || !bindings) return []
  const targets = outletsOf(facts)
  const findings = targets.flatMap((target) => checkTarget(target, facts))
  if (findings.length > 0 || targets.length === 0) return findings
  return [
    finding(
      'ok',
      'exchange-destinations',
      `${counted(targets.length, 'exchange destination has', 'exchange destinations have')} a way on`,
    ),
  ]
}

/** The exchanges behind the outlets that are there. */
export function outletsOf({ names, management }: Pick<Facts, 'names' | 'management'>): string[] {
  const prefix = names.outlet('')
  const own = [...(lastLook(management)?.keys() ?? [])].filter((name) => name.startsWith(prefix))
  return own.map((name) => name.slice(prefix.length))
}

function checkTarget(target: string, { names, vhost, management }: Facts): Finding[] {
  const { exchanges, bindings, policies = [], operatorPolicies = [] } = management
  const outlet = names.outlet(target)
  const { messages = 0 } = lastLook(management)?.get(outlet) ?? {}
  const holding = messages > 0 ? ` (${counted(messages, 'message is', 'messages are')} in ${outlet})` : ''
  const exchange = exchanges?.get(target)
  if (!exchange) {
    const what = `exchange ${target} is missing: its due messages stay in ${outlet}${holding}`
    return [finding('error', 'destination-missing', what, `declare exchange ${target} and its bindings`)]
  }
  const alternate = effective('alternate-exchange', { ...exchange, kind: 'exchange' }, policies, operatorPolicies)
  if ((bindings?.get(target)?.length ?? 0) === 0 && alternate === undefined) {
    const what = `exchange ${target} has no binding and no alternate exchange: its due messages stay in ${outlet}${holding}`
    return [
      finding(
        'error',
        'exchange-unbound',
        what,
        `bind a queue to exchange ${target}; waiting messages follow within the broker's confirm timeout`,
      ),
    ]
  }
  if (alternate !== undefined) return []
  const what = `exchange ${target} has no alternate exchange: a message that none of its bindings matches stops ${outlet}${holding}`
  const definition = quoted(JSON.stringify({ 'alternate-exchange': names.parked }))
  const todo = `to park such messages: rabbitmqctl set_policy -p ${quoted(vhost)} --apply-to exchanges ${quoted(`${target}-parked`)} ${quoted(`^${target.replaceAll('.', '\\.')}$`)} ${definition}`
  return [finding('note', 'exchange-no-alternate', what, todo)]
}
