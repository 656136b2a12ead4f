import { Redis } from 'ioredis'

/** A connection that does not reconnect: its commands fail instead. */
export async function openRedis(url: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 5_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  })
  let reason: Error | undefined
  redis.on('error', (error: Error) => (reason = error))
  await redis.connect().catch((error: unknown) => {
    throw reason ?? error // `connect` itself only says "Connection is closed."
  })
  return redis
}

/** Resolves to the version of a Redis that accepts clients. */
export async function greetRedis(url: string): Promise<string> {
  const redis = await openRedis(url)
  try {
    return /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'of unknown version'
  } finally {
    redis.disconnect()
  }
}
