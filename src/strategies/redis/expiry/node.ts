import type { RedisClient } from '../clients/client.js'
import { SUBSCRIBER, keepSubscribed } from '../clients/ioredis.js'
import type { RedisSubscription } from '../clients/port.js'

/** A server, of one or of a cluster. Each tells only of its own keys. */
export interface ExpiryNode {
  /** Tells it from the others. */
  readonly name: string
  /** CONFIG GET or SET. */
  config(...args: readonly string[]): Promise<unknown>
  /**
   * Listens to a pattern of channels over a connection of its own.
   *
   * @param again called when messages may have been missed
   */
  listen(pattern: string, heard: (message: string) => void, again: () => void): RedisSubscription
}

/** Those that a client knows at the moment, which in a cluster change. */
export function nodesOf(client: RedisClient): readonly ExpiryNode[] {
  if ('evalsha' in client) {
    const redis = client as unknown as Ioredis
    // Replicas too: they are silent, until one is made a primary.
    return redis.isCluster ? redis.nodes('all').map(ioredisNode) : [ioredisNode(redis)]
  }
  const redis = client as NodeRedis & NodeRedisCluster
  if (redis.isReady !== undefined) return [nodeRedisNode('', () => Promise.resolve(redis))]
  return redis.masters.map((master) => nodeRedisNode(master.address, () => redis.nodeClient(master)))
}

/** What is used of `Redis` and `Cluster` of ioredis. */
interface Ioredis {
  readonly isCluster?: boolean
  readonly options: { host?: string; port?: number }
  nodes(role: string): Ioredis[]
  config(...args: readonly string[]): Promise<unknown>
  duplicate(options: object): Ioredis
  psubscribe(pattern: string): Promise<unknown>
  on(event: string, listener: (...args: string[]) => void): unknown
  disconnect(): void
}

/** Those of a cluster's nodes do not reconnect by themselves. */
const RECONNECTS = { retryStrategy: (times: number) => Math.min(times * 50, 2000) }

function ioredisNode(redis: Ioredis): ExpiryNode {
  return {
    name: `${redis.options.host}:${redis.options.port}`,
    config: (...args) => redis.config(...args),
    listen(pattern, heard, again) {
      const own = redis.duplicate({ ...SUBSCRIBER, ...RECONNECTS })
      own.on('pmessage', (_pattern, _channel, message) => heard(message))
      return keepSubscribed(own, () => own.psubscribe(pattern), again)
    },
  }
}

/** What is used of a client of `redis` for one server. */
interface NodeRedis {
  readonly isOpen: boolean
  /** Missing from clients of a cluster. */
  readonly isReady?: boolean
  sendCommand(command: readonly string[]): Promise<unknown>
  duplicate(options?: object): NodeRedis
  connect(): Promise<unknown>
  pSubscribe(pattern: string, listener: (message: string) => void): Promise<unknown>
  on(event: string, listener: () => void): unknown
  /** From version 5 on. */
  destroy?(): unknown
  /** In version 4. */
  disconnect?(): unknown
}

interface NodeRedisCluster {
  readonly masters: readonly { readonly address: string }[]
  nodeClient(node: { readonly address: string }): Promise<NodeRedis>
}

function nodeRedisNode(name: string, client: () => Promise<NodeRedis>): ExpiryNode {
  return {
    name,
    config: async (...args) => (await client()).sendCommand(['CONFIG', ...args]),
    listen(pattern, heard, again) {
      let own: NodeRedis | undefined
      let isEnded = false
      const end = async () => {
        isEnded = true
        if (own?.isOpen) await (own.destroy ? own.destroy() : own.disconnect?.())
      }
      const start = async () => {
        own = (await client()).duplicate()
        // It reconnects by itself; without a listener, the process would end.
        own.on('error', () => undefined)
        if (isEnded) return
        await own.connect()
        await own.pSubscribe(pattern, heard)
        // It has subscribed again by then.
        own.on('ready', again)
      }
      return { subscribed: start(), end }
    },
  }
}
