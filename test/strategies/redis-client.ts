import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'

/** Outside of hooks and tests, only what can be told without a server is looked at. */
export const offline = new Redis({ lazyConnect: true })

/** One client for all tests of a file, from the first to the last. */
export function useRedisClient(server: { readonly url: string }): () => Redis {
  let client: Redis
  beforeAll(() => {
    client = new Redis(server.url)
    client.setMaxListeners(50) // many connections at once have it
  })
  afterAll(async () => {
    await client.quit()
  })
  return () => client
}
