import type { Names } from '../../amqp/topology/names.js'
import { queueOfDead } from '../failed/dead-messages.js'
import { roleReader } from '../queue-roles.js'
import { othersWithin, type CountReport } from '../status-report.js'
import type { QueueCounts } from './queue-counts.js'

/** The queues and exchanges that a namespace is known to send to, whatever waits for them. */
export function knownTargets(
  names: Names,
  { counts, behind }: QueueCounts,
  dead: CountReport['dead'],
): { queues: string[]; exchanges: string[] } {
  const roleOf = roleReader(names)
  const isOfAnother = othersWithin(names.namespace, counts)
  const bound = [...(behind?.deliver ?? [])].filter((queue) => roleOf(queue) === undefined)
  const outlets = [...counts.keys()].flatMap((name) => {
    const role = isOfAnother(name) ? undefined : roleOf(name)
    return role?.kind === 'outlet' ? [role] : []
  })
  return {
    queues: [...bound, ...dead.map(({ queue }) => queueOfDead(queue)), ...outlets.flatMap(({ queue }) => queue ?? [])],
    exchanges: outlets.flatMap(({ exchange }) => exchange ?? []),
  }
}
