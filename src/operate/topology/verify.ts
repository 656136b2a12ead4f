import type { Part } from '../../amqp/topology/part.js'
import { askManagement, type ManagementApi } from '../management/api.js'
import { bindingsFromEach, listExchanges, listQueues } from '../management/resources.js'
import { gapsAmong, type Gap, type LayoutFacts } from './judge-part.js'
import { missingParts, withDeclarer } from './parts.js'
import { topologyPlan, type TopologyOptions, type TopologyPlan } from './plan.js'

export interface Verification {
  /**
   * Parts that are missing, or are there with other arguments. A rung that is declared when it is first needed is `lazy`, and
   * no fault.
   */
  gaps: Gap[]
  /** Why only the names of queues and exchanges were looked at, not arguments and bindings. */
  namesOnly?: string
}

/**
 * Compares the topology with what is on the broker. Only the management API shows arguments and bindings; where there is
 * none, AMQP shows which queues and exchanges exist.
 *
 * @throws DuequeError `MANAGEMENT_FAILED` if the API was named and does not answer; `PERMISSION_DENIED`; as `connect` does
 */
export async function verifyTopology(options: TopologyOptions): Promise<Verification> {
  const plan = topologyPlan(options)
  const { settings, parts, workQueues } = plan
  const result = await askManagement(settings, settings.endpoints, (api, { vhost }) => layoutFacts(api, vhost, parts))
  if ('answer' in result) return { gaps: markLazy(gapsAmong(parts, result.answer, workQueues), plan) }
  const gaps = await withDeclarer(settings, (declarer) => missingParts(declarer, parts, options.onProgress))
  return { gaps: markLazy(gaps, plan), namesOnly: result.reason }
}

/** Without `topology: 'trust'` processes declare rungs themselves. */
function markLazy(gaps: readonly Gap[], { settings, ladder, rungs }: TopologyPlan): Gap[] {
  if (settings.topology === 'trust') return [...gaps]
  const lazy = new Set(rungs.map(({ rung, variant }) => ladder.names.wait(rung, variant)))
  return gaps.map((gap) =>
    gap.change === 'missing' && gap.kind === 'queue' && lazy.has(gap.name) ? { ...gap, lazy: true } : gap,
  )
}

async function layoutFacts(api: ManagementApi, vhost: string, parts: readonly Part[]): Promise<LayoutFacts> {
  const exchanges = await listExchanges(api, vhost)
  const sources = new Set(parts.flatMap((part) => (part.kind === 'binding' ? [part.from] : [])))
  const known = [...sources].filter((name) => exchanges.has(name))
  const looks = [{ at: performance.now(), queues: await listQueues(api, vhost) }]
  const bindings = await bindingsFromEach(api, vhost, known)
  return { management: { looks, exchanges, bindings }, seenQueues: new Map(), seenExchanges: new Map() }
}
