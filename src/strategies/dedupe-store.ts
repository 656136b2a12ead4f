import { DuequeError, shown } from '../base/errors.js'

/**
 * Remembers, for all processes that share it, which messages were handled. Made by `redisDedupe` of `dueque/redis` or
 * `postgresDedupe` of `dueque/postgres`. A key is running, as long as its owner renews it, or settled, or unknown.
 * Owners are UUIDs, keys any text. All methods reject with `STORE_ERROR` if the store cannot be asked.
 */
export interface DedupeStore {
  readonly name: string
  /** Makes the key the owner's for `leaseMs` by the store's clock, unless it is settled, or running for another. */
  claim(key: string, owner: string, leaseMs: number): Promise<'claimed' | 'running' | 'settled'>
  /** Prolongs keys that are still the owner's, and may claim keys without an owner. */
  renew(keys: readonly string[], owner: string, leaseMs: number): Promise<void>
  /** Settles the key for `windowMs`, in whatever state it was. */
  settle(key: string, windowMs: number): Promise<void>
  /** Forgets the key if it is running for the owner. */
  release(key: string, owner: string): Promise<void>
}

/**
 * The answer to a claim, as a store has read it.
 *
 * @throws DuequeError `STORE_ERROR` for another one: to take it for `claimed` would handle a message twice
 */
export function claimAnswer(answer: unknown, store: string): Awaited<ReturnType<DedupeStore['claim']>> {
  if (answer === 'claimed' || answer === 'running' || answer === 'settled') return answer
  const what = `expected 'claimed', 'running' or 'settled', got ${shown(answer)}: does the client change answers?`
  throw new DuequeError('STORE_ERROR', `${store}: ${what}`, { store }, { outcome: 'unknown' })
}
