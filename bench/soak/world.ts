import { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import { PrivateNetwork } from '../../scripts/broker/private-network.js'
import { findFaketime } from '../../scripts/services/find-faketime.js'
import { NEMESES, PROCESS_FAULTS, type Nemesis, type ProcessFault } from './plan.js'
import type { Kind } from './queues.js'
import { startStores, stopStores, type StoreServers } from './stores.js'
import type { Servers } from './ways.js'

export const NODES = 3
const START_TIMEOUT_MS = 600_000
/** Less than a partition takes, so that nodes take each other for lost. */
const NET_TICK_SECONDS = 8

/** All that a run needs beside its processes. */
export interface World {
  cluster: PrivateCluster
  /** Undefined on a machine that cannot have one. */
  network: PrivateNetwork | undefined
  stores: StoreServers
  servers: Servers
  kinds: readonly Kind[]
  faketime: string | undefined
  /** What this world cannot have, and why. */
  missing: readonly string[]
  stop(): Promise<void>
}

/** Starts nodes, network and stores. */
export async function startWorld(programs: string): Promise<World> {
  const obstacle = PrivateNetwork.obstacle()
  const network = obstacle === undefined ? await PrivateNetwork.start(NODES) : undefined
  let stores: StoreServers = { missing: [] }
  let cluster: PrivateCluster | undefined
  const stop = async () => {
    await Promise.all([cluster?.stop(), stopStores(stores)])
    await network?.stop()
  }
  try {
    stores = await startStores()
    const options = {
      programs,
      network,
      size: NODES,
      netTickSeconds: NET_TICK_SECONDS,
      startTimeoutMs: START_TIMEOUT_MS,
    }
    cluster = await PrivateCluster.start(options)
  } catch (error) {
    await stop()
    throw error
  }
  const faketime = await findFaketime().catch(() => undefined)
  return {
    cluster,
    network,
    stores,
    servers: { urls: cluster.urls, redisUrl: stores.redis?.url, postgresUrl: stores.postgres?.url },
    kinds: ['ladder', ...(stores.redis ? ['redis' as const] : []), ...(stores.postgres ? ['postgres' as const] : [])],
    faketime,
    missing: [
      ...stores.missing,
      ...(obstacle === undefined ? [] : [`no partitions: ${obstacle}`]),
      ...(faketime === undefined ? ['no libfaketime: no clock is set'] : []),
    ],
    stop,
  }
}

/** The faults that a world can have. */
export function nemesesOf({ network, stores, cluster }: World): Nemesis[] {
  const isOld = Number(cluster.nodes[0]!.version.split('.')[0]) < 4
  return (Object.keys(NEMESES) as Nemesis[]).filter((does) => {
    if (does.endsWith('redis')) return stores.redis !== undefined
    if (does.endsWith('postgres')) return stores.postgres !== undefined
    // Before Khepri, nodes that lost sight of each other stay apart until an operator restarts them.
    return !does.startsWith('partition') || (network !== undefined && !isOld)
  })
}

export function processFaultsOf({ faketime }: World, producers: number, consumers: number): ProcessFault[] {
  const isSettable = faketime !== undefined && producers > 1 && consumers > 1
  return PROCESS_FAULTS.filter((does) => does !== 'clock' || isSettable)
}
