import { randomUUID } from 'node:crypto'
import { isDuequeError } from '../../errors.js'
import type { Claim, Claimed, ClaimRequest } from '../store.js'
import { entryKey } from '../waitlist.js'
import { ClaimWindow } from './claim-window.js'
import type { Row } from './database.js'
import type { Queries } from './queries.js'
import { textArray } from './row.js'
import type { Waiting } from './waiting.js'

/** For so long after a claim whose answer was lost, it is looked for what it has taken. */
const LOOK_FOR_MS = 5000

/** Takes what is due, under leases. */
export class Claims {
  readonly #queries: Queries
  readonly #waiting: Waiting
  readonly #window = new ClaimWindow()
  /** Leases of claims whose answers were lost, so that nobody publishes what they have taken; and since when. */
  readonly #lost = new Map<string, number>()

  constructor(queries: Queries, waiting: Waiting) {
    this.#queries = queries
    this.#waiting = waiting
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    if (this.#lost.size > 0) await this.#unclaim()
    const first = await this.#claim(request, false)
    // Nothing is due, and all that may be ahead is a lease: of something that was settled long ago, perhaps.
    const isVague = first.claimed.length === 0 && !first.isHeld && first.heldAt < first.next
    const { claimed, next, heldAt } = isVague ? await this.#claim(request, true) : first
    const nextAt = Math.min(next, heldAt)
    return { claimed, nextAt: nextAt === Infinity ? undefined : nextAt }
  }

  async #claim({ now, limit, leaseMs }: ClaimRequest, mustBeHeld: boolean) {
    const startedAt = performance.now()
    const window = this.#window.next({ now, elapsed: startedAt }, mustBeHeld)
    const lease = randomUUID()
    let rows: readonly Row[]
    try {
      rows = await this.#queries.run(window.isHeld ? 'claimAll' : 'claim', [window.from, now, limit, lease, leaseMs])
    } catch (error) {
      if (isDuequeError(error) && error.outcome === 'unknown') this.#lost.set(lease, performance.now())
      this.#window.failed()
      throw error
    }
    const instant = { now, elapsed: performance.now() }
    // One row without a message says that there is none.
    const taken = rows.filter(({ key }) => key !== null)
    const isAll = taken.length < limit
    const last = numberOf(taken.at(-1), 'ready')
    const inMs = numberOf(rows[0], 'ms')
    this.#window.done({
      ...window,
      ...instant,
      tookMs: instant.elapsed - startedAt,
      isAll,
      last,
      leaseMs,
      held: inMs === undefined ? undefined : { inMs, isLease: rows[0]?.['leased'] === true },
    })
    return {
      claimed: this.#waiting.decoded(taken).map((message) => ({ message, lease })),
      isHeld: window.isHeld,
      next: (isAll ? numberOf(rows[0], 'next') : last) ?? Infinity,
      heldAt: this.#window.heldAt(instant),
    }
  }

  /** More than once: the server may be at it still. */
  async #unclaim(): Promise<void> {
    const rows = await this.#queries.run('unclaim', [textArray([...this.#lost.keys()])])
    if (rows.length > 0) this.#window.failed()
    for (const [lease, since] of this.#lost) if (performance.now() - since > LOOK_FOR_MS) this.#lost.delete(lease)
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
