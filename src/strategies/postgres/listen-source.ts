import { isPostgresJs, type PgClient, type PostgresJs } from './clients.js'
import type { Database } from './database.js'
import { listenOn } from './pg-database.js'
import { PostgresJsDatabase } from './postgres-js-database.js'
import { TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'
import { noAnswer, storeError } from './store-error.js'

/** Listens on a connection of the pool, or on one that the caller's function makes. */
export function listenSource(
  database: Database,
  listen: true | (() => PgClient | PostgresJs),
  { channel, timeoutMs }: { channel: string; timeoutMs: number },
): Database['listen'] extends (channel: string, ...rest: infer R) => infer P ? (...rest: R) => P : never {
  return async (heard, lost) => {
    if (listen === true) return database.listen(channel, heard, lost)
    const client = listen()
    if (isPostgresJs(client)) {
      const end = await new PostgresJsDatabase(client, timeoutMs).listen(channel, heard, lost)
      return () => end().finally(() => client.end())
    }
    client.on?.('error', lost)
    try {
      await withTimeLimit(client.connect(), timeoutMs)
    } catch (error) {
      client.end().catch(() => undefined)
      throw error === TIMED_OUT ? noAnswer(timeoutMs, 'refused') : storeError(error, 'refused')
    }
    return listenOn(client, channel, { heard, lost, end: () => client.end(), timeoutMs })
  }
}
