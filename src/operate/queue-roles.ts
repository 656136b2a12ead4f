import { LadderNames, rungReader } from '../strategies/ladder/ladder-names.js'
import type { Rung, RungVariant } from '../strategies/ladder/rungs.js'
import { deadQueue, type Names } from '../amqp/topology/names.js'
import { cancellationLayout, journalLayout, recurringLayout, type LogKind } from '../log/log-layout.js'
import { tickQueue } from '../recurring/recurring-layout.js'

/** The purpose of a queue, which its name tells. */
export type QueueRole =
  | { kind: 'rung'; rung: Rung; variant: RungVariant }
  | { kind: 'outlet'; exchange: string; queue?: never }
  | { kind: 'outlet'; queue: string; exchange?: never }
  /** Messages without a route wait there for a process to look at them. */
  | { kind: 'unroutable' }
  | { kind: 'parked' }
  /** Ticks of recurring messages, which are no messages of users. */
  | { kind: 'ticks' }
  /** A stream of cancellations, of the journal or of definitions, which holds no messages. */
  | { kind: LogKind }
  /** Of a probe that is running, or was killed a moment ago. It holds no messages of users. */
  | { kind: 'probe' }
  /** `of` is the work queue. Its name says nothing about the namespace. */
  | { kind: 'dead'; of: string }

/** Who measures by a probe: `dueque doctor`, or a watch of the lateness. */
export type ProbePurpose = 'doctor' | 'probe'

/** @param token random, of 8 hexadecimal digits */
export function probeQueue(names: Pick<Names, 'prefix'>, purpose: ProbePurpose, token: string): string {
  return `${names.prefix}.${purpose}.${token}`
}

/** Reads the names of queues: the way back of {@link Names}. */
export function roleReader(names: Names): (queue: string) => QueueRole | undefined {
  const rungOf = rungReader(new LadderNames(names))
  const outlet = names.outlet('')
  const queueOutlet = names.queueOutlet('')
  const dead = deadQueue('')
  const logs = [cancellationLayout(names), journalLayout(names), recurringLayout(names)]
  const streams = new Map(logs.flatMap((log) => log.streams().map(({ name }) => [name, log.kind] as const)))
  return (queue) => {
    const rung = rungOf(queue)
    if (rung) return { kind: 'rung', ...rung }
    if (queue === names.unroutable) return { kind: 'unroutable' }
    if (queue === names.parked) return { kind: 'parked' }
    if (queue === tickQueue(names)) return { kind: 'ticks' }
    if (isProbe(names, queue)) return { kind: 'probe' }
    const log = streams.get(queue)
    if (log) return { kind: log }
    if (queue.startsWith(outlet)) return { kind: 'outlet', exchange: queue.slice(outlet.length) }
    if (queue.startsWith(queueOutlet)) return { kind: 'outlet', queue: queue.slice(queueOutlet.length) }
    if (queue.endsWith(dead) && queue !== dead) return { kind: 'dead', of: queue.slice(0, -dead.length) }
    return undefined
  }
}

function isProbe(names: Names, queue: string): boolean {
  const token = queue.slice(-8)
  if (!/^[0-9a-f]{8}$/.test(token)) return false
  return (['doctor', 'probe'] as const).some((purpose) => queue === probeQueue(names, purpose, token))
}
