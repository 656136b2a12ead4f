import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'

/** Outside of hooks and tests, only properties that need no server may be read. */
export const offline = new Redis({ lazyConnect: true })

/** One client for all tests of a file, from the first to the last. */
export function useRedisClient(server: { readonly url: string }): () => Redis {
  let client: Redis
  beforeAll(() => {
    client = new Redis(server.url)
    client.setMaxListeners(50) // shared by many concurrent connections
  })
  afterAll(async () => {
    await client.quit()
  })
  return () => client
}
