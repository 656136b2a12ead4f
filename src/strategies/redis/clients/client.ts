/** A client of `ioredis`, 5 or later: `Redis` or `Cluster`. Typed by what is used of it. */
export interface IoredisClient {
  readonly status: string
  evalsha(...args: never[]): Promise<unknown>
  duplicate(...args: never[]): unknown
}

/** A client of `redis` (node-redis), 4 or later, that is connected: of one server or of a cluster. Typed likewise. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  sendCommand(...args: never[]): Promise<unknown>
  duplicate(...args: never[]): unknown
}

export type RedisClient = IoredisClient | NodeRedisClient
