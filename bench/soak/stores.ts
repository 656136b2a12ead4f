import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { postgresPrograms } from '../../scripts/services/find-postgres.js'
import { redisPrograms } from '../../scripts/services/find-redis.js'
import { PrivatePostgres } from '../../scripts/services/private-postgres.js'
import { PrivateRedis } from '../../scripts/services/private-redis.js'

export interface StoreServer {
  server: PrivateRedis | PrivatePostgres
  /** In front of it: it can fall silent. */
  proxy: TcpProxy
  /** Through the proxy. */
  url: string
}

export interface StoreServers {
  redis?: StoreServer
  postgres?: StoreServer
  /** Why the others are missing. */
  missing: string[]
}

/** Private servers of both stores, as far as their programs are there. */
export async function startStores(): Promise<StoreServers> {
  const [redis, postgres] = await Promise.all([
    redisPrograms().then((programs) =>
      programs === undefined ? undefined : PrivateRedis.start({ programs, appendonly: true }),
    ),
    postgresPrograms().then((programs) => (programs === undefined ? undefined : PrivatePostgres.start({ programs }))),
  ])
  return {
    ...(redis && { redis: await behindProxy(redis) }),
    ...(postgres && { postgres: await behindProxy(postgres) }),
    missing: [
      ...(redis ? [] : ['no redis-server: without Redis']),
      ...(postgres ? [] : ['no postgres: without PostgreSQL']),
    ],
  }
}

async function behindProxy(server: PrivateRedis | PrivatePostgres): Promise<StoreServer> {
  const proxy = await TcpProxy.to(server.url)
  return { server, proxy, url: proxy.url() }
}

export async function stopStores({ redis, postgres }: StoreServers): Promise<void> {
  await Promise.all(
    [redis, postgres].map(async (store) => {
      store?.proxy.close()
      await store?.server.stop()
    }),
  )
}
