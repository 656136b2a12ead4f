import { UNITS } from '../../strategies/ladder/rungs.js'
import type { Sample } from '../../telemetry/prometheus/exposition.js'
import { queueOfDead } from '../failed/dead-messages.js'
import { sumOf } from '../management/resources.js'
import type { CountReport } from '../status-report.js'
import type { BrokerCounts } from './broker-counter.js'

/** The most queues whose dead messages have a series of their own; those with the fewest are summed up. */
const MOST_QUEUES = 500
const REST = '(others)'

/** The metrics of what was counted. What AMQP cannot count is left out. */
export function brokerSamples({ report, connections }: Pick<BrokerCounts, 'report' | 'connections'>): Sample[] {
  const { source, unroutable, parked } = report
  const isComplete = source === 'management'
  return [
    { metric: 'counts_complete', value: Number(isComplete) },
    ...waitingByUnit(report),
    { metric: 'messages_unroutable', value: unroutable?.messages ?? 0 },
    { metric: 'messages_parked', value: parked?.messages ?? 0 },
    ...deadByQueue(report),
    ...(isComplete ? onlyByManagement(report) : []),
    ...(connections === undefined ? [] : [{ metric: 'connections', value: connections } as const]),
  ]
}

function onlyByManagement({ waiting, outlets }: CountReport): Sample[] {
  return [
    { metric: 'rungs_backed_up', value: waiting.rungs.filter(({ backedUp }) => backedUp).length },
    { metric: 'messages_in_outlets', value: sumOf(outlets).messages },
  ]
}

/** Every unit, also without messages, so that no series comes and goes. */
function waitingByUnit({ waiting }: CountReport): Sample[] {
  const units = new Set(UNITS.map(({ shown: [, suffix] }) => suffix))
  return [...units].map((unit) => {
    const own = waiting.rungs.filter(({ rung }) => /[a-z]+$/.exec(rung)?.[0] === unit)
    return { metric: 'messages_waiting', labels: { unit }, value: sumOf(own).messages }
  })
}

function deadByQueue({ dead }: CountReport): Sample[] {
  const most = [...dead].sort((a, b) => b.messages - a.messages)
  const sample = (queue: string, value: number): Sample => ({ metric: 'messages_dead', labels: { queue }, value })
  const rest = most.slice(MOST_QUEUES)
  return [
    ...most.slice(0, MOST_QUEUES).map(({ queue, messages }) => sample(queueOfDead(queue), messages)),
    ...(rest.length > 0 ? [sample(REST, sumOf(rest).messages)] : []),
  ]
}
