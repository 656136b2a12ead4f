import { invalidOption } from '../../../base/errors.js'
import { ioredisPort } from './ioredis.js'
import { nodeRedisPort } from './node-redis.js'
import type { RedisPort } from './port.js'

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

/** @throws DuequeError `INVALID_OPTION` */
export function portOf(client: unknown): RedisPort {
  const given = (typeof client === 'object' && client !== null ? client : {}) as Record<string, unknown>
  if (typeof given['evalshaBuffer'] === 'function') return ioredisPort(client)
  if (typeof given['sendCommand'] === 'function' && 'isOpen' in given) return nodeRedisPort(client)
  throw invalidOption('client', 'a client of ioredis or of redis (node-redis)', client)
}
