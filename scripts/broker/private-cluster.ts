import { newMembership } from './node-files.js'
import { poll } from './poll.js'
import type { PrivateNetwork } from './private-network.js'
import { PrivateNode, type PrivateNodeOptions } from './private-node.js'

export interface PrivateClusterOptions extends Omit<PrivateNodeOptions, 'member' | 'management'> {
  /** Number of nodes. @default 3 */
  size?: number
  /** The network of the nodes, each on a host of its own. @default this machine */
  network?: PrivateNetwork | undefined
}

/**
 * Private nodes that form a cluster on this machine. Each one can be killed and restarted by itself, and is a member
 * again then. Where a majority was down, restart those nodes together: each one waits for the others before it takes
 * clients.
 *
 * `cluster_partition_handling` is left at its default, `ignore`. Nodes lose sight of each other only in a network that is cut,
 * and a node that lost its majority then goes on taking clients, as 4.3 always does: the harder case for a client.
 */
export class PrivateCluster {
  /** Starts the nodes; resolves when they are one cluster and all take clients. */
  static async start({ size = 3, network, ...options }: PrivateClusterOptions): Promise<PrivateCluster> {
    const cluster = await newMembership(size, network?.hosts)
    const starts = await Promise.allSettled(
      cluster.names.map((name, i) =>
        PrivateNode.start({ ...options, member: { name, cluster, host: network?.hosts[i] } }),
      ),
    )
    const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    const started = new PrivateCluster(nodes)
    try {
      for (const start of starts) if (start.status === 'rejected') throw start.reason
      await started.whole()
    } catch (error) {
      await started.stop()
      throw error
    }
    return started
  }

  readonly nodes: readonly PrivateNode[]

  private constructor(nodes: readonly PrivateNode[]) {
    this.nodes = nodes
  }

  /** AMQP URLs, in the order of the nodes. */
  get urls(): string[] {
    return this.nodes.map(({ url }) => url)
  }

  /** Resolves when the first node sees all others running. */
  async whole(): Promise<void> {
    await poll(async () => (await runningNodes(this.nodes[0]!)) === this.nodes.length, {
      what: `a cluster of ${this.nodes.length} nodes`,
      timeoutMs: 60_000,
      intervalMs: 500,
    })
  }

  /** The node of an Erlang name, as RabbitMQ names leaders and members. */
  named(name: string): PrivateNode {
    const node = this.nodes.find((one) => one.name === name)
    if (!node) throw new Error(`${name} is no node of this cluster`)
    return node
  }

  /** Name of the leader's node for each quorum queue of the default virtual host. */
  async leaders(): Promise<Map<string, string>> {
    const listed = await this.nodes[0]!.ctl('list_queues', '--formatter', 'json', 'name', 'leader')
    return new Map((JSON.parse(listed) as { name: string; leader: string }[]).map(({ name, leader }) => [name, leader]))
  }

  /** The queues that hold anything: name, messages, ready ones, consumers. */
  async contents(): Promise<string> {
    const columns = ['name', 'messages', 'messages_ready', 'consumers']
    const listed = await this.nodes[0]!.ctl('list_queues', '--formatter', 'json', ...columns)
    const queues = JSON.parse(listed) as { messages: number }[]
    return JSON.stringify(queues.filter(({ messages }) => messages > 0))
  }

  /** The quorum queues that lack a leader or a member: name, state, leader, members, and which of those run. */
  async unwell(): Promise<string> {
    const columns = ['name', 'state', 'leader', 'members', 'online']
    const listed = await this.nodes[0]!.ctl('list_queues', '--formatter', 'json', ...columns)
    const queues = JSON.parse(listed) as { state: string; leader: string; members: string[]; online: string[] }[]
    const isWell = ({ state, leader, members, online }: (typeof queues)[number]) =>
      state === 'running' && leader !== '' && online.length === members.length
    return JSON.stringify(queues.filter((queue) => !isWell(queue)))
  }

  /** Ends all processes and deletes all folders. May be called again. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }
}

/** By the management API: rabbitmqctl takes more than a second of processor time to start. */
async function runningNodes({ managementUrl }: PrivateNode): Promise<number> {
  const response = await fetch(`${managementUrl}/api/nodes`, {
    headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    signal: AbortSignal.timeout(10_000),
  })
  const nodes = (await response.json()) as { running: boolean }[]
  return nodes.filter(({ running }) => running).length
}
