import type { RedisClient } from './client.js'
import { loginOf, type OwnClient, type RedisLibrary } from './library.js'
import type { Argument, RedisNode, RedisPort, RedisSubscription } from './port.js'

/** What is used of `Redis` and `Cluster` of ioredis. */
interface Ioredis extends Emitter {
  readonly status: string
  readonly isCluster?: boolean
  readonly options: { readonly host?: string; readonly port?: number }
  evalBuffer(...args: Argument[]): Promise<unknown>
  evalshaBuffer(...args: Argument[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  psubscribe(pattern: string): Promise<unknown>
  config(...args: readonly string[]): Promise<unknown>
  nodes(role: string): Ioredis[]
  disconnect(): void
  duplicate(...args: unknown[]): Ioredis
}

interface Emitter {
  on(event: string, listener: (...args: never[]) => void): unknown
  off(event: string, listener: (...args: never[]) => void): unknown
}

/**
 * The options of a subscriber, in place of those of the caller's client. {@link keepSubscribed} subscribes again, because a
 * client for one server must not do it by itself: if Redis refuses it, or `disconnect` ends it, the rejection is unhandled and
 * ends the process. A client for a cluster subscribes again in its own way, which no option changes, and handles rejections.
 */
const SUBSCRIBER = {
  lazyConnect: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
}

export function ioredisPort(client: unknown): RedisPort {
  const redis = client as Ioredis
  let losses = 0
  const lost = () => losses++
  // Of a cluster: a node whose connection is gone.
  const events = ['close', '-node']
  return {
    state() {
      if (redis.status === 'ready') return 'ready'
      if (redis.status === 'end') return 'closed'
      // Made with `lazyConnect`: the first command connects.
      return redis.status === 'wait' ? 'unknown' : 'away'
    },
    losses: () => losses,
    // Not `callBuffer`, which loses the command's name where ioredis pipelines by itself.
    run: (command, _key, args) => (command === 'EVAL' ? redis.evalBuffer(...args) : redis.evalshaBuffer(...args)),
    onReady(listener) {
      redis.on('ready', listener)
      return () => redis.off('ready', listener)
    },
    subscribe: (channel, listener, again) => subscribe(redis, channel, listener, again),
    open() {
      for (const event of events) redis.on(event, lost)
    },
    close() {
      for (const event of events) redis.off(event, lost)
    },
  }
}

function subscribe(
  redis: Ioredis,
  channel: string,
  listener: (message: string) => void,
  again: () => void,
): RedisSubscription {
  const own = redis.isCluster ? redis.duplicate([], SUBSCRIBER) : redis.duplicate(SUBSCRIBER)
  own.on('message', (_channel: string, message: string) => listener(message))
  return keepSubscribed(own, () => own.subscribe(channel), again)
}

/** Subscribes, and again whenever it has reconnected. */
function keepSubscribed(
  own: { on(event: string, listener: () => void): unknown; disconnect(): void },
  subscribe: () => Promise<unknown>,
  again: () => void,
): RedisSubscription {
  // It reconnects by itself; without a listener, ioredis writes to the console.
  own.on('error', () => undefined)
  const subscribed = subscribe().then(() => {
    own.on('ready', () => void subscribe().then(again, () => undefined))
  })
  return {
    subscribed,
    end() {
      own.disconnect()
      return Promise.resolve()
    },
  }
}

/** The servers that the client knows at the moment. Replicas too: they report nothing until one becomes a primary. */
export function ioredisNodes(client: unknown): readonly RedisNode[] {
  const redis = client as Ioredis
  return redis.isCluster ? redis.nodes('all').map(ioredisNode) : [ioredisNode(redis)]
}

/** Clients of a cluster's nodes do not reconnect without it. */
const RECONNECTS = { retryStrategy: (times: number) => Math.min(times * 50, 2000) }

function ioredisNode(redis: Ioredis): RedisNode {
  return {
    name: `${redis.options.host}:${redis.options.port}`,
    config: (...args) => redis.config(...args),
    listen(pattern, heard, again) {
      const own = redis.duplicate({ ...SUBSCRIBER, ...RECONNECTS })
      own.on('pmessage', (_pattern: string, _channel: string, message: string) => heard(message))
      return keepSubscribed(own, () => own.psubscribe(pattern), again)
    },
  }
}

/** What is used of the package ioredis. */
interface IoredisModule {
  Redis: new (url: string, options: object) => IoredisConnection
  Cluster: new (nodes: readonly string[], options: object) => IoredisConnection
}

type IoredisConnection = RedisClient & {
  on(event: 'error', listener: (error: Error) => void): void
  connect(): Promise<unknown>
  call(...command: string[]): Promise<unknown>
  disconnect(): void
}

/** @param module the package ioredis */
export function ioredisLibrary(module: unknown, connectTimeout: number): RedisLibrary {
  const { Redis, Cluster } = module as IoredisModule
  const wrap = (client: IoredisConnection): OwnClient => ({
    client,
    connect: () => client.connect(),
    onError: (listener) => client.on('error', listener),
    ask: (...command) => client.call(...command),
    close: () => client.disconnect(),
  })
  return {
    server: (url) => wrap(new Redis(url, { lazyConnect: true, connectTimeout })),
    cluster(url) {
      const { password, username, tls } = loginOf(url)
      const redisOptions = { password, username, ...(tls && { tls: {} }) }
      return wrap(new Cluster([url], { lazyConnect: true, redisOptions }))
    },
  }
}
