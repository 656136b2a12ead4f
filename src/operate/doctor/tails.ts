import { finding, type Finding } from '../../base/finding.js'
import { cancellationLayout } from '../../log/log-layout.js'
import { intakeQueue } from '../../forwarding/intake-parts.js'
import type { ConsumerFact, Facts } from './facts.js'
import { hasStreams } from './streams.js'
import { workQueues } from './targets.js'
import { some } from './texts.js'

/**
 * Connections that consume a work queue and read no cancellations: they handle cancelled messages. A queue behind a running gate
 * gets none.
 */
export function checkTails(facts: Facts): Finding[] {
  const { consumers } = facts.management
  // Without the streams nothing is cancelled.
  if (!consumers || !facts.hasStreams || !hasStreams(facts)) return []
  const streams = new Set(
    cancellationLayout(facts.names)
      .streams()
      .map(({ name }) => name),
  )
  const reading = new Set(consumers.filter(({ queue }) => streams.has(queue)).map(({ connection }) => connection))
  const behindGates = new Set(consumers.map(({ forwardsTo }) => forwardsTo))
  const works = workQueues(facts).filter(({ name }) => !behindGates.has(name) && !isIntake(name, facts))
  const findings = works.flatMap(({ name }) => {
    const without = consumers.filter(({ queue, connection }) => queue === name && !reading.has(connection))
    return without.length === 0 ? [] : [withoutTail(name, without, facts)]
  })
  if (findings.length > 0) return findings
  return [finding('ok', 'tails', 'every consumer of a work queue reads cancellations')]
}

function withoutTail(queue: string, consumers: readonly ConsumerFact[], { management }: Facts): Finding {
  const named = consumers.map(({ connection }) => {
    const own = management.connectionNames?.get(connection)
    return own === undefined ? connection : `${own} (${connection})`
  })
  const what = `queue ${queue} is consumed without reading cancellations, by ${some([...new Set(named)])}: cancelled messages are handled there`
  const todo =
    "upgrade it, if it is older than cancellations; drop cancellations: 'off'; a program that does not know dueque needs dueque gate in front of it"
  return finding('warning', 'consumer-without-tail', what, todo)
}

/** Messages that an intake consumes have no id yet by which they could be cancelled. */
function isIntake(queue: string, { management: { exchanges } }: Facts): boolean {
  const suffix = intakeQueue('')
  return queue.endsWith(suffix) && exchanges?.has(queue.slice(0, -suffix.length)) === true
}
