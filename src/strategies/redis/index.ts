export { redis, type RedisOptions } from './redis.js'
export type { IoredisClient, NodeRedisClient, RedisClient } from './client.js'
export type { StoreStrategy, StoreStrategyOptions } from '../store-strategy.js'
export type { RelayOptions } from '../relay-options.js'
