import { checkBrokerSettings } from './broker-settings.js'
import { checkAlarms, checkContents } from './contents.js'
import { checkDestinations } from './destinations.js'
import type { Facts } from './facts.js'
import { finding, type Finding } from '../../base/finding.js'
import { causesAmong, checkJams } from './jams.js'
import { checkLayout } from './layout-check.js'
import { checkOutlets } from './outlets.js'
import { checkPermissions } from './permissions.js'
import { checkRecurring } from './recurring.js'
import { checkPolicies } from './policies.js'
import { checkProduct } from './product.js'
import { checkJournal, checkStreams } from './streams.js'
import { checkTails } from './tails.js'

export type Area =
  | 'broker'
  | 'store'
  | 'permissions'
  | 'policies'
  | 'layout'
  | 'destinations'
  | 'cancellations'
  | 'journal'
  | 'recurring'
  | 'messages'
  | 'round trip'
export type AreaFinding = Finding & { area: Area }

/** Every check of the facts, in the order in which one would ask. */
export function examine(facts: Facts): AreaFinding[] {
  const destinations = [...checkDestinations(facts), ...checkOutlets(facts)]
  const policies = checkPolicies(facts)
  const layout = checkLayout(facts)
  const jams = checkJams(facts, causesAmong([...destinations, ...policies, ...layout]))
  return [
    ...inArea('broker', [...checkProduct(facts), ...checkAlarms(facts), ...checkBrokerSettings(), ...leftOut(facts)]),
    ...inArea('permissions', checkPermissions(facts)),
    ...inArea('policies', policies),
    ...inArea('layout', layout),
    ...inArea('destinations', destinations),
    ...inArea('cancellations', [...checkStreams(facts), ...checkTails(facts)]),
    ...inArea('journal', checkJournal(facts)),
    ...inArea('recurring', checkRecurring(facts)),
    ...inArea('messages', [...jams, ...checkContents(facts, causesAmong(destinations, ['queue-full']))]),
  ]
}

export function inArea(area: Area, findings: readonly Finding[]): AreaFinding[] {
  return findings.map((one) => ({ area, ...one }))
}

/** One note for everything that was not looked at. */
function leftOut({ management: { missing } }: Facts): Finding[] {
  if (missing.length === 0) return []
  const reasons = [...new Set(missing.map(({ reason }) => reason))]
  const what = `not looked at, without the management API: ${missing.map(({ part }) => part).join(', ')} (${reasons.join('; ')})`
  const todo = 'rabbitmq-plugins enable rabbitmq_management, a user with the tag monitoring, and --management URL'
  return [finding('note', 'left-out', what, todo)]
}
