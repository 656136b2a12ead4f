import { errorText } from '../../base/errors.js'
import type { RedisClient } from '../../strategies/redis/clients/client.js'
import { ioredisLibrary } from '../../strategies/redis/clients/ioredis.js'
import type { OwnClient, RedisLibrary } from '../../strategies/redis/clients/library.js'
import { nodeRedisLibrary } from '../../strategies/redis/clients/node-redis.js'
import { withTimeLimit } from '../../base/time-limit.js'
import { CommandError } from '../exit.js'
import { importClient, type ClientPackage } from './import-client.js'

/** A client that is connected. */
export interface RedisConnection {
  readonly client: RedisClient
  /** Of one server, or of the node that the client chooses. */
  ask: OwnClient['ask']
  close: () => void
}

const CONNECT_TIMEOUT_MS = 10_000

const PACKAGES: readonly ClientPackage<RedisLibrary>[] = [
  { name: 'ioredis', use: (module) => ioredisLibrary(module, CONNECT_TIMEOUT_MS) },
  { name: 'redis', use: (module) => nodeRedisLibrary(module, CONNECT_TIMEOUT_MS) },
]

/** The server of the URL, or with `whole` the cluster that it belongs to. Reconnects by itself later on. */
export async function connectRedis(url: string, { whole }: { whole: boolean }): Promise<RedisConnection> {
  const library = await importClient('--redis', PACKAGES)
  const server = await connected(library.server(url))
  // If the user may not ask, one server is assumed.
  const info = whole && (await server.ask('INFO', 'cluster').catch(() => ''))
  if (!whole || !/cluster_enabled:1/.test(String(info))) return server
  server.close()
  return connected(library.cluster(url))
}

/** The client mends later losses of the connection itself; a loss at the start is an error. */
async function connected(connection: OwnClient): Promise<RedisConnection> {
  // The error of the event says more than the one that `connect` rejects with, if it rejects at all.
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
