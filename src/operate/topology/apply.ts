import { applyParts, markRungs, withDeclarer, type Change } from './parts.js'
import { topologyPlan, type TopologyOptions } from './plan.js'

/**
 * Declares the parts of the topology that are missing, and binds everything. Leaves a work queue that exists as it is.
 *
 * @returns what became of each queue and exchange
 * @throws DuequeError `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `DESTINATION_MISSING`, `UNSUPPORTED`; as `connect` does
 */
export function applyTopology(options: TopologyOptions): Promise<Change[]> {
  const { settings, ladder, rungs, parts, workQueues } = topologyPlan(options)
  return withDeclarer(settings, async (declarer) => {
    const changes = await applyParts(declarer, parts, { workQueues, onProgress: options.onProgress })
    await markRungs(declarer, ladder, rungs)
    return changes
  })
}
