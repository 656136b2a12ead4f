import { setTimeout as sleep } from 'node:timers/promises'
import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import type { PrivateNetwork } from '../../scripts/broker/private-network.js'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import type { Nemesis } from './plan.js'
import type { StoreServers, StoreServer } from './stores.js'

export interface Hit {
  node: number
  seconds: number
}

type Harm = (hit: Hit) => Promise<void>

const LOW_MEMORY = '0.000001'
const ENOUGH_MEMORY = '0.4'
const ENOUGH_DISK = '50MB'

/** Faults of the nodes, the network and the stores. Each resolves when what it broke is whole again. */
export class Nemeses {
  readonly #cluster: PrivateCluster
  readonly #network: PrivateNetwork | undefined
  readonly #stores: StoreServers
  /** Nodes that cannot be asked at the moment. */
  readonly #away = new Set<PrivateNode>()

  constructor(cluster: PrivateCluster, network: PrivateNetwork | undefined, stores: StoreServers) {
    this.#cluster = cluster
    this.#network = network
    this.#stores = stores
  }

  /** A node that can be asked. */
  get askable(): PrivateNode {
    return this.#cluster.nodes.find((node) => !this.#away.has(node)) ?? this.#cluster.nodes[0]!
  }

  harm(does: Nemesis, hit: Hit): Promise<void> {
    return this.#harms[does](hit)
  }

  readonly #harms: Record<Nemesis, Harm> = {
    'kill-node': ({ node }) => this.#killed([this.#node(node)]),
    'kill-majority': ({ node }) => this.#killed([this.#node(node), this.#node(node + 1)]),
    restarts: async () => {
      for (const node of this.#cluster.nodes)
        await this.#without([node], () => node.shutdown().then(() => node.restart()))
    },
    'freeze-node': ({ node, seconds }) => this.#frozen(this.#node(node), seconds),
    'partition-one': ({ node, seconds }) =>
      this.#parted(
        [
          [node, node + 1],
          [node, node + 2],
        ],
        seconds,
      ),
    'partition-ring': ({ node, seconds }) => this.#parted([[node + 1, node + 2]], seconds),
    'partition-all': ({ seconds }) =>
      this.#parted(
        [
          [0, 1],
          [1, 2],
          [2, 0],
        ],
        seconds,
      ),
    'memory-alarm': (hit) => this.#alarmed(hit, 'set_vm_memory_high_watermark', LOW_MEMORY, ENOUGH_MEMORY),
    'disk-alarm': (hit) => this.#alarmed(hit, 'set_disk_free_limit', '1000000GB', ENOUGH_DISK),
    'kill-redis': () => killStore(this.#stores.redis),
    'silent-redis': ({ seconds }) => silence(this.#stores.redis, seconds),
    'kill-postgres': () => killStore(this.#stores.postgres),
    'silent-postgres': ({ seconds }) => silence(this.#stores.postgres, seconds),
  }

  #node(index: number): PrivateNode {
    const { nodes } = this.#cluster
    return nodes[index % nodes.length]!
  }

  async #without(nodes: readonly PrivateNode[], work: () => Promise<unknown>): Promise<void> {
    for (const node of nodes) this.#away.add(node)
    try {
      await work()
    } finally {
      for (const node of nodes) this.#away.delete(node)
    }
  }

  #killed(nodes: readonly PrivateNode[]): Promise<void> {
    return this.#without(nodes, async () => {
      await Promise.all(nodes.map((node) => node.kill()))
      await Promise.all(nodes.map((node) => node.restart()))
    })
  }

  #frozen(node: PrivateNode, seconds: number): Promise<void> {
    return this.#without([node], async () => {
      node.freeze()
      try {
        await sleep(seconds * 1000)
      } finally {
        node.thaw()
      }
    })
  }

  /** Cuts links in both directions. */
  async #parted(links: readonly (readonly [number, number])[], seconds: number): Promise<void> {
    const network = this.#network!
    const size = this.#cluster.nodes.length
    try {
      for (const [a, b] of links) {
        await network.cut(a % size, b % size)
        await network.cut(b % size, a % size)
      }
      await sleep(seconds * 1000)
    } finally {
      await network.heal()
    }
  }

  async #alarmed({ node: index, seconds }: Hit, command: string, low: string, enough: string): Promise<void> {
    const node = this.#node(index)
    await node.ctl(command, low)
    try {
      await sleep(seconds * 1000)
    } finally {
      await node.ctl(command, enough)
    }
  }
}

async function killStore(store: StoreServer | undefined): Promise<void> {
  await store!.server.kill()
  await store!.server.restart()
}

async function silence(store: StoreServer | undefined, seconds: number): Promise<void> {
  const { proxy } = store!
  proxy.freeze()
  await sleep(seconds * 1000)
  proxy.thaw()
}
