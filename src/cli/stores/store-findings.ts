import type { Finding } from '../../doctor/finding.js'
import { finding } from '../../doctor/finding.js'
import { errorText } from '../../errors.js'
import { checkServer, factsOf, type ServerFacts } from '../../strategies/redis/server-check.js'
import { connectRedis, type RedisConnection } from './redis-client.js'
import type { StoreSettings } from './store-options.js'

/** What `doctor` says of the store that was chosen; nothing if none was. */
export async function storeFindings({ redis }: StoreSettings): Promise<Finding[]> {
  if (redis === undefined) return []
  try {
    const connection = await connectRedis(redis, { whole: false })
    try {
      return checkServer(await redisFacts(connection))
    } finally {
      connection.close()
    }
  } catch (error) {
    return [finding('error', 'redis-away', errorText(error), 'see that Redis runs, and that the URL is right')]
  }
}

/** CONFIG may be forbidden where somebody else runs the server, as may be INFO. */
async function redisFacts({ ask }: RedisConnection): Promise<ServerFacts> {
  const allowed = (...command: string[]) => ask(...command).catch(() => undefined)
  const info = await allowed('INFO')
  // A list of name and value, or in RESP3 an object.
  const config = Object.values((await allowed('CONFIG', 'GET', 'appendfsync')) ?? {}).at(-1) as unknown
  return {
    ...factsOf(typeof info === 'string' ? info : ''),
    appendFsync: typeof config === 'string' ? config : undefined,
  }
}
