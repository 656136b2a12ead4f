import { invalidOption } from '../../../base/errors.js'
import type { RedisClient } from './client.js'
import { ioredisNodes, ioredisPort } from './ioredis.js'
import { nodeRedisNodes, nodeRedisPort } from './node-redis.js'
import type { RedisNode, RedisPort } from './port.js'

/** @throws DuequeError `INVALID_OPTION` */
export function portOf(client: unknown): RedisPort {
  const given = (typeof client === 'object' && client !== null ? client : {}) as Record<string, unknown>
  if (typeof given['evalshaBuffer'] === 'function') return ioredisPort(client)
  if (typeof given['sendCommand'] === 'function' && 'isOpen' in given) return nodeRedisPort(client)
  throw invalidOption('client', 'a client of ioredis or of redis (node-redis)', client)
}

/** The servers that a client knows at the moment. In a cluster they change. */
export function nodesOf(client: RedisClient): readonly RedisNode[] {
  return 'evalsha' in client ? ioredisNodes(client) : nodeRedisNodes(client)
}
