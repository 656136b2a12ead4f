import type { Outcome } from '../../errors.js'
import { LATE, within } from '../../within.js'
import type { PgClient, PgPool, PgPoolClient } from './clients.js'
import type { Database, Row, Session, Value } from './database.js'
import { isLost, noConnection, storeError } from './store-error.js'

/** Over a pool of `pg`. */
export class PgDatabase implements Database {
  readonly #pool: PgPool
  readonly #timeoutMs: number
  /** Nobody need hear of an idle connection that is lost, but without a listener Node ends the process. */
  readonly #ignore = () => undefined

  constructor(pool: PgPool, timeoutMs: number) {
    this.#pool = pool
    this.#timeoutMs = timeoutMs
  }

  open(): void {
    this.#pool.on?.('error', this.#ignore)
  }

  query(text: string, values: readonly Value[]): Promise<readonly Row[]> {
    return this.#with((client) => run(client, text, values, 'unknown'))
  }

  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#with(async (client) => {
      // Until COMMIT is sent, nothing can have been written.
      await run(client, 'BEGIN ISOLATION LEVEL READ COMMITTED', [], 'refused')
      let result: T
      try {
        result = await work({ query: (text, values) => run(client, text, values, 'refused') })
      } catch (error) {
        if (!isLost(error)) await run(client, 'ROLLBACK', [], 'refused')
        throw error
      }
      await run(client, 'COMMIT', [], 'unknown')
      return result
    })
  }

  async listen(channel: string, heard: (payload: string) => void, lost: () => void): Promise<() => Promise<void>> {
    const client = await this.#connect()
    return listenOn(client, channel, { heard, lost, end: () => Promise.resolve(client.release(true)) })
  }

  close(): void {
    this.#pool.removeListener?.('error', this.#ignore)
  }

  async #connect(): Promise<PgPoolClient> {
    const connecting = this.#pool.connect()
    try {
      return await within(connecting, this.#timeoutMs)
    } catch (error) {
      if (error !== LATE) throw storeError(error, 'refused')
      // The pool still gives it one when there is one.
      connecting.then(
        (client) => client.release(),
        () => undefined,
      )
      throw noConnection(this.#timeoutMs, 'refused')
    }
  }

  async #with<T>(work: (client: PgPoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    let isBroken = false
    const broken = () => {
      isBroken = true
    }
    client.on?.('error', broken)
    try {
      return await work(client)
    } catch (error) {
      isBroken ||= isLost(error)
      throw error
    } finally {
      client.removeListener?.('error', broken)
      client.release(isBroken)
    }
  }
}

async function run(
  client: Pick<PgPoolClient, 'query'>,
  text: string,
  values: readonly Value[],
  ifLost: Outcome,
): Promise<readonly Row[]> {
  try {
    return (await client.query(text, [...values])).rows as Row[]
  } catch (error) {
    throw storeError(error, ifLost)
  }
}

interface Hearing {
  heard: (payload: string) => void
  lost: () => void
  end: () => Promise<unknown>
}

/** A connected client that hears of a channel from now on. Returns what ends it. */
export async function listenOn(
  client: PgPoolClient | PgClient,
  channel: string,
  { heard, lost, end }: Hearing,
): Promise<() => Promise<void>> {
  const hear = (notification: unknown) => {
    const { channel: from, payload } = notification as { channel: string; payload?: string }
    if (from === channel) heard(payload ?? '')
  }
  client.on?.('notification', hear)
  client.on?.('error', lost)
  client.on?.('end', lost)
  const stop = async () => {
    client.removeListener?.('notification', hear)
    // The listener for errors stays: there may be one more.
    await end()
  }
  try {
    await run(client, `LISTEN "${channel.replaceAll('"', '""')}"`, [], 'refused')
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
