import { writeFirstRecords } from '../../log/first-records.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import { applyParts, markRungs, plannedChanges, withDeclarer, type Change } from './parts.js'
import { topologyPlan, type TopologyOptions } from './plan.js'

/**
 * Declares the parts of the topology that are missing, and binds everything. Leaves a work queue that exists as it is.
 *
 * @returns what became of each queue and exchange
 * @throws DuequeError `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `DESTINATION_MISSING`, `UNSUPPORTED`, `PUBLISH_TIMEOUT`; as
 * `connect` does
 */
export function applyTopology(options: TopologyOptions): Promise<Change[]> {
  const { settings, ladder, rungs, parts, workQueues, logs } = topologyPlan(options)
  const { publishTimeoutMs: timeoutMs } = settings
  if (options.dryRun) return withDeclarer(settings, (declarer) => plannedChanges(declarer, parts, options.onProgress))
  const work = withDeclarer(settings, async (declarer, connection) => {
    const changes = await applyParts(declarer, parts, { workQueues, onProgress: options.onProgress })
    await markRungs(declarer, ladder, rungs)
    // At the end: RabbitMQ may take no messages for now, and nothing else on a connection that has sent one.
    for (const layout of logs) await writeFirstRecords({ connection, declarer, layout, timeoutMs })
    return changes
  })
  return work.catch((error: unknown) => {
    throw isDuequeError(error, 'UNSUPPORTED') ? withoutStreams(error) : error
  })
}

function withoutStreams(error: DuequeError<'UNSUPPORTED'>): DuequeError {
  if (error.data.feature !== 'stream_queue') return error
  const message = `${error.message}. Or leave out the streams: no journal, and no cancellations (dueque topology apply --no-cancellations). Then consume with cancellations: 'off', and cancel nothing`
  return new DuequeError('UNSUPPORTED', message, error.data, { cause: error })
}
