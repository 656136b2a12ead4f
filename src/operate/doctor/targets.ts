import { Layout } from '../../amqp/topology/layout.js'
import { deadQueue } from '../../amqp/topology/names.js'
import { cancellationLayout, journalLayout, recurringLayout, type LogKind } from '../../log/log-layout.js'
import { tickParts } from '../../recurring/recurring-layout.js'
import { LadderLayout } from '../../strategies/ladder/ladder-layout.js'
import { hasJournal, hasRecurring } from './streams.js'
import { roleReader, type QueueRole } from '../queue-roles.js'
import type { Resource } from './effective-policy.js'
import { lastLook, type Facts } from './facts.js'
import type { QueueFact } from '../management/resources.js'

/** A queue or exchange that a message of dueque may come through, there already or declared on first use. */
export interface Target extends Resource {
  role:
    | 'wait'
    | 'outlet'
    | 'unroutable'
    | 'parked'
    | 'dead'
    | 'ticks'
    | 'work'
    | 'entry'
    | 'dead exchange'
    | 'exchange'
    | LogKind
}

/** The whole layout of the namespace with the destinations that are bound to it. */
export function layoutTargets(facts: Facts): Target[] {
  const { names, queueType, management } = facts
  const roleOf = roleReader(names)
  const targets = new Map<string, Target>()
  const add = (target: Target) => targets.set(`${target.kind} ${target.name}`, target)
  const layout = new Layout(names, queueType)
  const parts = [
    ...layout.base(),
    ...new LadderLayout(names).everything(queueType, 1),
    ...(hasRecurring(facts) ? tickParts(layout) : []),
  ]
  for (const part of parts) {
    if (part.kind === 'binding') continue
    const { kind, name, arguments: args } = part
    if (kind === 'exchange') add({ kind, name, type: part.type, arguments: args, role: exchangeRole(facts, name) })
    else add({ kind, name, type: queueType, arguments: args, role: roleOfQueue(roleOf(name)?.kind) })
  }
  for (const target of logTargets(facts)) add(target)
  const bound = new Set([...workQueues(facts).map(({ name }) => name), ...deadQueues(facts)])
  for (const queue of lastLook(management)?.values() ?? []) {
    const role = roleOf(queue.name)?.kind
    if (role === 'cancellations' || role === 'journal' || role === 'recurring' || role === 'probe') continue
    if (role === undefined || role === 'dead' ? bound.has(queue.name) : true) {
      add({ ...queue, kind: 'queue', role: roleOfQueue(role) })
    }
  }
  return [...targets.values()]
}

function logTargets(facts: Facts): Target[] {
  const { names, hasStreams } = facts
  const logs = [
    ...(hasStreams ? [cancellationLayout(names)] : []),
    ...(hasJournal(facts) ? [journalLayout(names)] : []),
    ...(hasRecurring(facts) ? [recurringLayout(names)] : []),
  ]
  return logs.flatMap((log) =>
    log.parts().flatMap((part): Target[] => {
      if (part.kind === 'binding') return []
      const type = part.kind === 'exchange' ? part.type : 'stream'
      return [{ kind: part.kind, name: part.name, type, arguments: part.arguments, role: log.kind }]
    }),
  )
}

function exchangeRole({ names }: Facts, name: string): Target['role'] {
  if (name === names.dead) return 'dead exchange'
  return name.startsWith(`${names.prefix}.entry.`) ? 'entry' : 'exchange'
}

function roleOfQueue(role: QueueRole['kind'] | undefined): Target['role'] {
  if (role === 'rung') return 'wait'
  return role === undefined || role === 'probe' ? 'work' : role
}

/** The queues that messages are delivered to, but for dead queues. Empty without the management API. */
export function workQueues({ names, management }: Pick<Facts, 'names' | 'management'>): QueueFact[] {
  const roleOf = roleReader(names)
  const bindings = management.bindings?.get(names.deliver) ?? []
  const bound = bindings.filter(({ to, name }) => to === 'queue' && roleOf(name) === undefined)
  const queues = lastLook(management)
  return [...new Set(bound.map(({ name }) => name))].flatMap((name) => queues?.get(name) ?? [])
}

function deadQueues(facts: Facts): string[] {
  const { names, management } = facts
  const behind = management.bindings?.get(names.dead) ?? []
  return [...workQueues(facts).map(({ name }) => deadQueue(name)), ...behind.map(({ name }) => name)]
}
