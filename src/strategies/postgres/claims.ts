import { randomUUID } from 'node:crypto'
import { isDuequeError } from '../../base/errors.js'
import type { Claim, ClaimedMessage, ClaimRequest } from '../store/message-store.js'
import { ClaimWindow } from './claim-window.js'
import { isSoonAfter, type StoreFaults } from '../store/store-faults.js'
import { isTrue, numberIn, type Row } from './answer.js'
import type { Value } from './database.js'
import type { Queries } from './queries.js'
import { textArray } from './row.js'
import type { PostgresWaitlist } from './postgres-waitlist.js'

/** How long the messages of a claim whose answer was lost are looked for. */
const LOOK_FOR_MS = 5000

/** How long an unreadable entry is left alone. */
const UNREADABLE_MS = 60_000

/** Finds the row of a claimed message again, and tells whether it must still be there. */
interface InPostgres extends ClaimedMessage {
  readonly key: string
  /** Both by the monotonic clock, a little earlier than by the server's. */
  readonly claimedAt: number
  readonly leaseEnds: number
}

/** Claims due messages under leases. */
export class Claims {
  readonly #queries: Queries
  readonly #waiting: PostgresWaitlist
  readonly #window = new ClaimWindow()
  /** Leases of claims whose answers were lost, so that no relay publishes their messages; and since when. */
  readonly #lost = new Map<string, number>()
  /** Messages that may have been settled: the answer was lost. */
  readonly #unsure = new WeakSet<ClaimedMessage>()
  readonly #faults: StoreFaults

  constructor(queries: Queries, waiting: PostgresWaitlist, faults: StoreFaults) {
    this.#queries = queries
    this.#waiting = waiting
    this.#faults = faults
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    if (this.#lost.size > 0) await this.#unclaim()
    const first = await this.#claim(request, false)
    // Nothing is due, and only a lease may be ahead, perhaps of a message that was settled long ago.
    const isVague = first.claimed.length === 0 && !first.isHeld && first.heldAt < first.next
    const { now, claimed, next, heldAt } = isVague ? await this.#claim(request, true) : first
    const nextAt = Math.min(next, heldAt)
    return { now, claimed, nextAt: nextAt === Infinity ? undefined : nextAt }
  }

  async #claim({ now: given, limit, leaseMs }: ClaimRequest, mustBeHeld: boolean) {
    const startedAt = performance.now()
    const window = this.#window.next(startedAt, mustBeHeld)
    const lease = randomUUID()
    const rows = await this.#rows(window.isHeld ? 'claimAll' : 'claim', lease, [
      window.from,
      given ?? null,
      limit,
      lease,
      leaseMs,
    ])
    const [next, ms, leased, , , , , serverNow] = rows[0] ?? []
    const now = numberIn(serverNow) ?? Date.now()
    const instant = { now, elapsed: performance.now() }
    // If there are no messages, the answer is one row without a message.
    const taken = rows.filter((row) => row[KEY] !== null)
    const isAll = taken.length < limit
    const last = numberIn(taken.at(-1)?.[READY])
    const inMs = numberIn(ms)
    this.#window.done({
      ...window,
      ...instant,
      tookMs: instant.elapsed - startedAt,
      isAll,
      last,
      leaseMs,
      held: inMs === undefined ? undefined : { inMs, isLease: isTrue(leased) },
    })
    return {
      now,
      claimed: this.#read(taken, { lease, claimedAt: startedAt, leaseEnds: startedAt + leaseMs }, now),
      isHeld: window.isHeld,
      next: (isAll ? numberIn(next) : last) ?? Infinity,
      heldAt: this.#window.heldAt(instant),
    }
  }

  async #rows(statement: 'claim' | 'claimAll', lease: string, values: readonly Value[]): Promise<readonly Row[]> {
    try {
      return await this.#queries.run(statement, values)
    } catch (error) {
      if (isDuequeError(error) && error.outcome === 'unknown') this.#lost.set(lease, performance.now())
      this.#window.failed()
      throw error
    }
  }

  /** Unreadable entries are postponed, so that their leases do not end again and again. */
  #read(rows: readonly Row[], claim: Pick<InPostgres, 'lease' | 'claimedAt' | 'leaseEnds'>, now: number) {
    const claimed: InPostgres[] = []
    const unreadable: string[] = []
    for (const [, , , key, , meta = null, body = null] of rows) {
      const message = this.#waiting.read(key!, meta, body)
      if (message) claimed.push({ message, key: key!, ...claim })
      else unreadable.push(key!)
    }
    // Otherwise its lease decides.
    if (unreadable.length > 0)
      this.#postpone(
        unreadable.map((key) => ({ key, lease: claim.lease })),
        now + UNREADABLE_MS,
      ).catch(() => undefined)
    return claimed
  }

  /** More than once: the server may be at it still. */
  async #unclaim(): Promise<void> {
    const rows = await this.#queries.run('unclaim', [textArray([...this.#lost.keys()])])
    if (rows.length > 0) this.#window.failed()
    for (const [lease, since] of this.#lost) if (performance.now() - since > LOOK_FOR_MS) this.#lost.delete(lease)
  }

  async settle(claimed: readonly ClaimedMessage[]): Promise<void> {
    const leased = claimed as readonly InPostgres[]
    const settled = () => this.#queries.run('settle', leases(leased))
    await this.#leaveLease(leased, settled, { isRemoved: true })
  }

  async postpone(claimed: readonly ClaimedMessage[], until: number): Promise<void> {
    const leased = claimed as readonly InPostgres[]
    await this.#leaveLease(leased, () => this.#postpone(leased, until), { isRemoved: false })
  }

  async #postpone(leased: readonly Leased[], until: number): Promise<readonly Row[]> {
    const answer = await this.#queries.run('release', [...leases(leased), until])
    this.#window.postponed(until)
    return answer
  }

  /**
   * What has left its lease before that is over was deleted by somebody else, or lost; if it may have been delivered, only what
   * has left it at once.
   */
  async #leaveLease(
    claimed: readonly InPostgres[],
    leave: () => Promise<readonly Row[]>,
    { isRemoved }: { isRemoved: boolean },
  ): Promise<void> {
    const isFirst = !claimed.some((one) => this.#unsure.has(one))
    let count: number
    try {
      const [row] = await leave()
      count = numberIn(row?.[0]) ?? 0
    } catch (error) {
      // It may have been done.
      for (const one of claimed) this.#unsure.add(one)
      throw error
    }
    if (count === claimed.length || !isFirst) return
    // It is only counted: what fails is left out.
    const [row] = await this.#queries.run('absent', [textArray(claimed.map(({ key }) => key))]).catch(() => [])
    const absent = numberIn(row?.[0]) ?? 0
    // Now, since it may have waited for a connection.
    const now = performance.now()
    if (!claimed.every((one) => one.leaseEnds > now && (!isRemoved || isSoonAfter(one.claimedAt)))) return
    this.#faults.missing(Math.max(0, isRemoved ? absent - count : absent))
  }

  /** Something waits that is ready then. */
  heard(readyAt: number): void {
    this.#window.heard(readyAt)
  }
}

/** Columns of a claim's rows. */
const [KEY, READY] = [3, 4]

type Leased = Pick<InPostgres, 'key' | 'lease'>

/** In one order everywhere: see Inserter. */
function leases(leased: readonly Leased[]): string[] {
  const sorted = leased.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return [textArray(sorted.map(({ key }) => key)), textArray(sorted.map(({ lease }) => lease))]
}
