import type { Outcome } from '../../base/errors.js'
import { TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'
import type { PgClient, PgPool, PgPoolClient } from './clients.js'
import { rowsOf, type Row } from './answer.js'
import type { Database, Session, TransactionOptions, Value } from './database.js'
import { isLost, noAnswer, noConnection, storeError } from './store-error.js'

/** Over a pool of `pg`. A connection on which no answer came in time is closed. */
export class PgDatabase implements Database {
  readonly #pool: PgPool
  readonly #timeoutMs: number
  /** The loss of an idle connection does not matter, but without a listener Node ends the process. */
  readonly #ignore = () => undefined
  /**
   * A connection may be lost in the very packet that opened it. The pool has let go of its errors by then, and our own
   * listener comes some promises later.
   */
  readonly #guard = (client: PgPoolClient) => {
    client.on?.('error', this.#ignore)
    setImmediate(() => client.removeListener?.('error', this.#ignore))
  }

  constructor(pool: PgPool, timeoutMs: number) {
    this.#pool = pool
    this.#timeoutMs = timeoutMs
  }

  /** The pool as the source of new connections. */
  get #connecting() {
    return this.#pool as unknown as Connecting
  }

  open(): void {
    this.#pool.on?.('error', this.#ignore)
    this.#connecting.on?.('connect', this.#guard)
  }

  query(text: string, values: readonly Value[]): Promise<readonly Row[]> {
    return this.#with((client) => run(client, { text, values, ifLost: 'unknown', timeoutMs: this.#timeoutMs }))
  }

  transaction<T>(
    work: (session: Session) => Promise<T>,
    { statementTimeoutMs = this.#timeoutMs }: TransactionOptions = {},
  ): Promise<T> {
    return this.#with(async (client) => {
      // Until COMMIT is sent, nothing can have been written.
      const send = (text: string, values: readonly Value[] = [], timeoutMs = this.#timeoutMs) =>
        run(client, { text, values, ifLost: text === 'COMMIT' ? 'unknown' : 'refused', timeoutMs })
      await send('BEGIN ISOLATION LEVEL READ COMMITTED')
      let result: T
      try {
        result = await work({ query: (text, values) => send(text, values, statementTimeoutMs) })
      } catch (error) {
        if (!isLost(error)) await send('ROLLBACK')
        throw error
      }
      await send('COMMIT')
      return result
    })
  }

  async listen(channel: string, heard: (payload: string) => void, lost: () => void): Promise<() => Promise<void>> {
    const client = await this.#connect()
    const end = () => Promise.resolve(client.release(true))
    return listenOn(client, channel, { heard, lost, end, timeoutMs: this.#timeoutMs })
  }

  close(): void {
    this.#pool.removeListener?.('error', this.#ignore)
    this.#connecting.removeListener?.('connect', this.#guard)
  }

  async #connect(): Promise<PgPoolClient> {
    const connecting = this.#pool.connect()
    try {
      return await withTimeLimit(connecting, this.#timeoutMs)
    } catch (error) {
      if (error !== TIMED_OUT) throw storeError(error, 'refused')
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

interface Connecting {
  on?(event: 'connect', listener: (client: PgPoolClient) => void): unknown
  removeListener?(event: 'connect', listener: (client: PgPoolClient) => void): unknown
}

interface Statement {
  text: string
  values: readonly Value[]
  ifLost: Outcome
  timeoutMs: number
}

async function run(
  client: Pick<PgPoolClient, 'query'>,
  { text, values, ifLost, timeoutMs }: Statement,
): Promise<readonly Row[]> {
  try {
    return rowsOf((await withTimeLimit(client.query(text, [...values]), timeoutMs)).rows)
  } catch (error) {
    throw error === TIMED_OUT ? noAnswer(timeoutMs, ifLost) : storeError(error, ifLost)
  }
}

interface Hearing {
  heard: (payload: string) => void
  lost: () => void
  end: () => Promise<unknown>
  timeoutMs: number
}

/** A connected client that hears of a channel from now on. Returns what ends it. */
export async function listenOn(
  client: PgPoolClient | PgClient,
  channel: string,
  { heard, lost, end, timeoutMs }: Hearing,
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
    const text = `LISTEN "${channel.replaceAll('"', '""')}"`
    await run(client, { text, values: [], ifLost: 'refused', timeoutMs })
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
