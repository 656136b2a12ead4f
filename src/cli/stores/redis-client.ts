import { errorText } from '../../base/errors.js'
import type { IoredisClient, NodeRedisClient, RedisClient } from '../../strategies/redis/clients/client.js'
import { withTimeLimit } from '../../base/time-limit.js'
import { CommandError } from '../exit.js'
import { importClient, type ClientPackage } from './import-client.js'

/** A client that is connected. */
export interface RedisConnection {
  readonly client: RedisClient
  /** Of one server, or of the node that the client chooses. */
  ask: (...command: string[]) => Promise<unknown>
  close: () => void
}

/** Where Redis is, and how to open a cluster from one of its nodes. */
interface Library {
  server: (url: string) => Connecting
  cluster: (url: string) => Connecting
}

interface Connecting extends RedisConnection {
  connect: () => Promise<unknown>
  onError: (listener: (error: Error) => void) => void
}

const CONNECT_TIMEOUT_MS = 10_000

const PACKAGES: readonly ClientPackage<Library>[] = [
  { name: 'ioredis', use: (module) => byIoredis(module as Ioredis) },
  { name: 'redis', use: (module) => byNodeRedis(module as NodeRedis) },
]

/** The server of the URL, or with `whole` the cluster that it belongs to. Reconnects by itself later on. */
export async function connectRedis(url: string, { whole }: { whole: boolean }): Promise<RedisConnection> {
  const library = await importClient('--redis', PACKAGES)
  const server = await connected(library.server(url))
  // Who may not ask has one server.
  const info = whole && (await server.ask('INFO', 'cluster').catch(() => ''))
  if (!whole || !/cluster_enabled:1/.test(String(info))) return server
  server.close()
  return connected(library.cluster(url))
}

/** Later losses are mended by the client; one at the start is an error. */
async function connected(connection: Connecting): Promise<RedisConnection> {
  // Tells more than what `connect` rejects with, if it does at all.
  const failed = new Promise<never>((_, reject) => connection.onError(reject))
  failed.catch(() => undefined)
  try {
    await withTimeLimit(Promise.race([failed, connection.connect()]), CONNECT_TIMEOUT_MS)
    return { ...connection, ask: (...command) => withTimeLimit(connection.ask(...command), CONNECT_TIMEOUT_MS) }
  } catch (error) {
    connection.close()
    throw new CommandError('STORE_UNREACHABLE', `Redis: ${errorText(error)}`)
  }
}

/** What is used of ioredis. */
interface Ioredis {
  Redis: new (url: string, options: object) => IoredisConnection
  Cluster: new (nodes: readonly string[], options: object) => IoredisConnection
}

type IoredisConnection = IoredisClient & {
  on(event: 'error', listener: (error: Error) => void): void
  connect(): Promise<unknown>
  call(...command: string[]): Promise<unknown>
  disconnect(): void
}

function byIoredis({ Redis, Cluster }: Ioredis): Library {
  const wrap = (client: IoredisConnection): Connecting => ({
    client,
    connect: () => client.connect(),
    onError: (listener) => client.on('error', listener),
    ask: (...command) => client.call(...command),
    close: () => client.disconnect(),
  })
  return {
    server: (url) => wrap(new Redis(url, { lazyConnect: true, connectTimeout: CONNECT_TIMEOUT_MS })),
    cluster(url) {
      const { password, username, tls } = loginOf(url)
      const redisOptions = { password, username, ...(tls && { tls: {} }) }
      return wrap(new Cluster([url], { lazyConnect: true, redisOptions }))
    },
  }
}

/** What is used of redis. */
interface NodeRedis {
  createClient: (options: object) => NodeRedisConnection
  createCluster: (options: object) => NodeRedisConnection
}

type NodeRedisConnection = NodeRedisClient & {
  on(event: 'error', listener: (error: Error) => void): void
  connect(): Promise<unknown>
  destroy(): void
}

function byNodeRedis({ createClient, createCluster }: NodeRedis): Library {
  const wrap = (client: NodeRedisConnection): Connecting => ({
    client,
    connect: () => client.connect(),
    onError: (listener) => client.on('error', listener),
    ask: (...command) => (client.sendCommand as (command: string[]) => Promise<unknown>)(command),
    close: () => client.destroy(),
  })
  return {
    server: (url) => wrap(createClient({ url, socket: { connectTimeout: CONNECT_TIMEOUT_MS } })),
    cluster(url) {
      const { password, username, tls } = loginOf(url)
      return wrap(createCluster({ rootNodes: [{ url }], defaults: { password, username, socket: { tls } } }))
    },
  }
}

/** For the nodes that are not in the URL. */
function loginOf(url: string) {
  const { username, password, protocol } = new URL(url)
  const given = (text: string) => (text === '' ? undefined : decodeURIComponent(text))
  return { username: given(username), password: given(password), tls: protocol === 'rediss:' }
}
