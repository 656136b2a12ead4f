import { randomUUID } from 'node:crypto'
import type { Claim, Claimed, ClaimRequest } from '../store.js'
import { entryKey } from '../waitlist.js'
import { ClaimWindow } from './claim-window.js'
import type { Row } from './database.js'
import type { Queries } from './queries.js'
import { textArray } from './row.js'
import type { Waiting } from './waiting.js'

/** Takes what is due, under leases. */
export class Claims {
  readonly #queries: Queries
  readonly #waiting: Waiting
  readonly #window = new ClaimWindow()

  constructor(queries: Queries, waiting: Waiting) {
    this.#queries = queries
    this.#waiting = waiting
  }

  async claim({ now, limit, leaseMs }: ClaimRequest): Promise<Claim> {
    const window = this.#window.next(now)
    const lease = randomUUID()
    const startedAt = performance.now()
    let rows: readonly Row[]
    try {
      const statement = window.isWhole ? 'claimAll' : 'claim'
      rows = await this.#queries.run(statement, [window.from, now, limit, lease, leaseMs])
    } catch (error) {
      this.#window.failed()
      throw error
    }
    const tookMs = performance.now() - startedAt
    // One row without a message says that there is none.
    const taken = rows.filter(({ key }) => key !== null)
    const held = numberOf(rows[0], 'held')
    const heldAt = held === undefined ? undefined : now + held
    const isAll = taken.length < limit
    this.#window.done({ ...window, now, tookMs, isAll, last: numberOf(taken.at(-1), 'ready'), heldAt })
    const nextAt = Math.min(numberOf(rows[0], 'next') ?? Infinity, this.#window.heldAt)
    return {
      claimed: this.#waiting.decoded(taken).map((message) => ({ message, lease })),
      nextAt: nextAt === Infinity ? undefined : nextAt,
    }
  }

  async settle(claimed: readonly Claimed[]): Promise<void> {
    await this.#queries.run('settle', leases(claimed))
  }

  async release(claimed: readonly Claimed[], until: number): Promise<void> {
    await this.#queries.run('release', [...leases(claimed), until])
    this.#window.released(until)
  }

  /** Something waits that is ready then. */
  heard(readyAt: number): void {
    this.#window.heard(readyAt)
  }
}

/** In one order everywhere: see Inserter. */
function leases(claimed: readonly Claimed[]): string[] {
  const sorted = claimed
    .map(({ message, lease }) => ({ key: entryKey(message), lease }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  return [textArray(sorted.map(({ key }) => key)), textArray(sorted.map(({ lease }) => lease))]
}

function numberOf(row: Row | undefined, column: string): number | undefined {
  const value = row?.[column]
  return value === undefined || value === null ? undefined : Number(value)
}
