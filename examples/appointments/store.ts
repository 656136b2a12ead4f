import { WAYS, type WayName } from './ways.js'

/** The prefix of keys, or the schema, of one run: two demos do not meet in a store. */
export function newStoreName(): string {
  return `dueque_demo_${crypto.randomUUID().slice(0, 8)}`
}

/** Removes what a run has written into a store: a Redis or PostgreSQL of yours keeps nothing of it. */
export async function clearStore(way: WayName, name: string): Promise<void> {
  const { server } = WAYS[way]
  if (server === 'Redis') await clearRedis(name)
  if (server === 'PostgreSQL') await clearPostgres(name)
}

async function clearRedis(name: string): Promise<void> {
  const { Redis } = await import('ioredis')
  const client = new Redis(process.env['REDIS_URL'] ?? 'redis://localhost', { retryStrategy: () => null })
  client.on('error', () => undefined)
  try {
    for await (const keys of client.scanStream({ match: `{${name}}*`, count: 1000 }) as AsyncIterable<string[]>)
      if (keys.length > 0) await client.unlink(...keys)
  } finally {
    client.disconnect()
  }
}

async function clearPostgres(name: string): Promise<void> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: process.env['DATABASE_URL'] ?? 'postgres://localhost/postgres' })
  await client.connect()
  try {
    await client.query(`DROP SCHEMA IF EXISTS "${name}" CASCADE`)
  } finally {
    await client.end()
  }
}
