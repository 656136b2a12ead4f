import { Client } from 'pg'

/** Opens a connection, runs `use` with it, and closes it. */
export async function withPostgres<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {}) // the query reports the error
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Resolves to the version of a PostgreSQL that accepts clients. */
export function greetPostgres(url: string): Promise<string> {
  return withPostgres(url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    return rows[0]!.server_version
  })
}
