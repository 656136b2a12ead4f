import type { RedisClient } from './client.js'
import { loginOf, type OwnClient, type RedisLibrary } from './library.js'
import type { Argument, RedisNode, RedisPort, RedisSubscription } from './port.js'

/** What is used of the clients of `redis`. */
interface NodeRedis {
  readonly isOpen: boolean
  /** Missing from clients of a cluster before version 6. */
  readonly isReady?: boolean
  sendCommand(command: readonly Argument[], options?: object): Promise<unknown>
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  pSubscribe(pattern: string, listener: (message: string) => void): Promise<unknown>
  duplicate(): NodeRedis
  /** From version 5 on. */
  destroy?(): unknown
  /** In version 4. */
  disconnect?(): unknown
}

/** A cluster's client needs the key of a command. */
interface NodeRedisCluster {
  readonly masters: readonly { readonly address: string }[]
  nodeClient(node: { readonly address: string }): Promise<NodeRedis>
  sendCommand(key: string, isReadonly: boolean, command: readonly Argument[], options: object): Promise<unknown>
}

/** For Buffers in the reply: version 4 knows the first, later ones the second, in which 36 is `$`, a bulk string. */
const AS_BUFFERS = { returnBuffers: true, typeMapping: { 36: Buffer } }

export function nodeRedisPort(client: unknown): RedisPort {
  const redis = client as NodeRedis
  const isCluster = 'slots' in redis
  return {
    state() {
      if (!redis.isOpen) return 'closed'
      if (redis.isReady === undefined) return 'unknown'
      return redis.isReady ? 'ready' : 'away'
    },
    // What was under way when a connection is lost, it does not send again.
    losses: () => 0,
    run: (command, key, args) =>
      isCluster
        ? (client as NodeRedisCluster).sendCommand(key, false, [command, ...args], AS_BUFFERS)
        : redis.sendCommand([command, ...args], AS_BUFFERS),
    onReady(listener) {
      redis.on('ready', listener)
      return () => redis.off('ready', listener)
    },
    subscribe: (channel, listener, again) =>
      keepSubscribed(
        () => redis,
        (own) => own.subscribe(channel, listener),
        again,
      ),
    open: () => undefined,
    close: () => undefined,
  }
}

/** The servers that the client knows at the moment. */
export function nodeRedisNodes(client: unknown): readonly RedisNode[] {
  const redis = client as NodeRedis
  if (redis.isReady !== undefined) return [nodeRedisNode('', () => Promise.resolve(redis))]
  const cluster = client as NodeRedisCluster
  return cluster.masters.map((master) => nodeRedisNode(master.address, () => cluster.nodeClient(master)))
}

function nodeRedisNode(name: string, client: () => Promise<NodeRedis>): RedisNode {
  return {
    name,
    config: async (...args) => (await client()).sendCommand(['CONFIG', ...args]),
    listen: (pattern, heard, again) => keepSubscribed(client, (own) => own.pSubscribe(pattern, heard), again),
  }
}

/** Subscribes over a connection of its own, which reconnects and subscribes again by itself. */
function keepSubscribed(
  client: () => Promise<NodeRedis> | NodeRedis,
  subscribe: (own: NodeRedis) => Promise<unknown>,
  again: () => void,
): RedisSubscription {
  let own: NodeRedis | undefined
  let isEnded = false
  const start = async () => {
    own = (await client()).duplicate()
    // Without a listener, an error would end the process.
    own.on('error', () => undefined)
    if (isEnded) return
    await own.connect()
    await subscribe(own)
    // It has subscribed again by then.
    own.on('ready', again)
  }
  return {
    subscribed: start(),
    async end() {
      isEnded = true
      if (own?.isOpen) await (own.destroy ? own.destroy() : own.disconnect?.())
    },
  }
}

/** What is used of the package redis. */
interface NodeRedisModule {
  createClient: (options: object) => NodeRedisConnection
  createCluster: (options: object) => NodeRedisConnection
}

type NodeRedisConnection = RedisClient & {
  sendCommand(command: readonly string[]): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): void
  connect(): Promise<unknown>
  destroy(): void
}

/** @param module the package redis */
export function nodeRedisLibrary(module: unknown, connectTimeout: number): RedisLibrary {
  const { createClient, createCluster } = module as NodeRedisModule
  const wrap = (client: NodeRedisConnection): OwnClient => ({
    client,
    connect: () => client.connect(),
    onError: (listener) => client.on('error', listener),
    ask: (...command) => client.sendCommand(command),
    close: () => client.destroy(),
  })
  return {
    server: (url) => wrap(createClient({ url, socket: { connectTimeout } })),
    cluster(url) {
      const { password, username, tls } = loginOf(url)
      return wrap(createCluster({ rootNodes: [{ url }], defaults: { password, username, socket: { tls } } }))
    },
  }
}
