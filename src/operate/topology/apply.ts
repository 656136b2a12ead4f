import { CancellationLayout } from '../../cancellation/cancellation-layout.js'
import { writeFirstRecords } from '../../cancellation/first-records.js'
import { applyParts, markRungs, withDeclarer, type Change } from './parts.js'
import { topologyPlan, type TopologyOptions } from './plan.js'

/**
 * Declares the parts of the topology that are missing, and binds everything. Leaves a work queue that exists as it is.
 *
 * @returns what became of each queue and exchange
 * @throws DuequeError `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `DESTINATION_MISSING`, `UNSUPPORTED`, `PUBLISH_TIMEOUT`; as
 * `connect` does
 */
export function applyTopology(options: TopologyOptions): Promise<Change[]> {
  const { settings, ladder, rungs, parts, workQueues, hasStreams } = topologyPlan(options)
  const { names, publishTimeoutMs: timeoutMs } = settings
  return withDeclarer(settings, async (declarer, connection) => {
    const changes = await applyParts(declarer, parts, { workQueues, onProgress: options.onProgress })
    await markRungs(declarer, ladder, rungs)
    // At the end: RabbitMQ may take no messages for now, and nothing else on a connection that has sent one.
    const layout = new CancellationLayout(names)
    if (hasStreams) await writeFirstRecords({ connection, declarer, layout, timeoutMs })
    return changes
  })
}
