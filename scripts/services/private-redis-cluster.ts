import type { Redis } from 'ioredis'
import { freePorts } from '../broker/free-ports.js'
import { poll } from '../broker/poll.js'
import { PrivateRedis, type PrivateRedisOptions } from './private-redis.js'
import { openRedis } from './redis-client.js'

const SLOTS = 16_384
/** Offset of the cluster bus port from the port for clients. */
const BUS = 10_000

export interface PrivateRedisClusterOptions extends Omit<PrivateRedisOptions, 'port'> {
  /** Number of primaries. There are no replicas. @default 3 */
  size?: number
}

/** A Redis Cluster of primaries on this machine. Each one can be killed and restarted, and has its slots again then. */
export class PrivateRedisCluster {
  /** Starts the nodes; resolves when each sees all slots served. */
  static async start({ size = 3, config, ...options }: PrivateRedisClusterOptions): Promise<PrivateRedisCluster> {
    const ports = await freePorts(size, BUS)
    const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000', ...config }
    const starts = await Promise.allSettled(
      ports.map((port) => PrivateRedis.start({ ...options, config: settings, port })),
    )
    const cluster = new PrivateRedisCluster(
      starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : [])),
    )
    try {
      for (const start of starts) if (start.status === 'rejected') throw start.reason
      await cluster.#form(ports)
      await cluster.whole()
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  readonly nodes: readonly PrivateRedis[]

  private constructor(nodes: readonly PrivateRedis[]) {
    this.nodes = nodes
  }

  /** In the order of the nodes. A client needs one of them to find the others. */
  get urls(): string[] {
    return this.nodes.map(({ url }) => url)
  }

  /** Resolves when each node reports the cluster as ok. */
  async whole(): Promise<void> {
    const size = `cluster_size:${this.nodes.length}`
    const sees = async ({ url }: PrivateRedis) => {
      const info = await ask(url, (redis) => redis.cluster('INFO'))
      return info.includes('cluster_state:ok') && info.includes(size)
    }
    await poll(async () => (await Promise.all(this.nodes.map(sees))).every(Boolean), {
      what: `a Redis Cluster of ${this.nodes.length} primaries`,
      timeoutMs: 60_000,
      intervalMs: 100,
    })
  }

  /** Ends all processes and deletes all folders. May be called again. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }

  async #form(ports: readonly number[]): Promise<void> {
    const share = Math.ceil(SLOTS / ports.length)
    for (const [i, { url }] of this.nodes.entries()) {
      const slots = Array.from({ length: SLOTS }, (_, slot) => slot).slice(i * share, (i + 1) * share)
      await ask(url, async (redis) => {
        await redis.cluster('SET-CONFIG-EPOCH', i + 1)
        await redis.cluster('ADDSLOTS', ...slots)
        if (i > 0) await redis.cluster('MEET', '127.0.0.1', ports[0]!)
      })
    }
  }
}

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = await openRedis(url)
  try {
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}
