import { Wait } from 'testcontainers'
import { startContainer, type Recipe } from '../broker/container.js'
import { greetPostgres } from './postgres-client.js'
import { greetRedis } from './redis-client.js'
import type { Service } from './service.js'

/** Runs an image of Redis. Undefined without a Docker engine, or if it cannot get the image. */
export function startRedisContainer(image: string): Promise<Service | undefined> {
  return start('Redis', {
    image,
    prepare: (container) =>
      container
        .withExposedPorts(6379)
        .withCommand(['redis-server', '--save', '', '--appendonly', 'no'])
        .withWaitStrategy(Wait.forLogMessage('Ready to accept connections')),
    urls: (address) => `redis://${address(6379)}`,
    greet: greetRedis,
  })
}

/** As {@link startRedisContainer}, of PostgreSQL, without syncs to disk. */
export function startPostgresContainer(image: string): Promise<Service | undefined> {
  return start('PostgreSQL', {
    image,
    prepare: (container) =>
      container
        .withExposedPorts(5432)
        .withEnvironment({ POSTGRES_PASSWORD: 'postgres' })
        .withCommand(['postgres', '-c', 'fsync=off'])
        // The first one prepares the data and takes no clients from outside.
        .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections', 2)),
    urls: (address) => `postgres://postgres:postgres@${address(5432)}/postgres`,
    greet: greetPostgres,
  })
}

async function start(what: string, recipe: Recipe<string>): Promise<Service | undefined> {
  const container = await startContainer(recipe)
  if (!container) return undefined
  const { urls: url, version, how, stop } = container
  return { url, how: `${what} ${version}, ${how}`, stop }
}
