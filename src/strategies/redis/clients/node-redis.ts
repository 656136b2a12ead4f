import type { Argument, RedisPort, RedisSubscription } from './port.js'

/** What is used of the clients of `redis`. */
interface NodeRedis {
  readonly isOpen: boolean
  /** Missing from clients of a cluster before version 6. */
  readonly isReady?: boolean
  sendCommand(command: readonly Argument[], options: object): Promise<unknown>
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  duplicate(): NodeRedis
  /** From version 5 on. */
  destroy?(): unknown
  /** In version 4. */
  disconnect?(): unknown
}

/** A cluster's client wants to know the key. */
interface NodeRedisCluster {
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
    subscribe: (channel, listener, again) => subscribe(redis, channel, listener, again),
    open: () => undefined,
    close: () => undefined,
  }
}

function subscribe(
  redis: NodeRedis,
  channel: string,
  listener: (message: string) => void,
  again: () => void,
): RedisSubscription {
  const own = redis.duplicate()
  // It reconnects by itself; without a listener, the process would end.
  own.on('error', () => undefined)
  const start = async () => {
    await own.connect()
    await own.subscribe(channel, listener)
    // It has subscribed again by then.
    own.on('ready', again)
  }
  return {
    subscribed: start(),
    async end() {
      if (own.isOpen) await (own.destroy ? own.destroy() : own.disconnect?.())
    },
  }
}
