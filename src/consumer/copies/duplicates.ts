import { integer, type Rules } from '../../base/checks.js'
import { fingerprintOf, type Fingerprint } from '../../base/fingerprint.js'
import { KeyMemory } from './key-memory.js'

/** How long, and for how many messages, a consumer remembers what it has settled. */
export interface DuplicateWindow {
  /** Milliseconds. @default 3_600_000 */
  windowMs?: number | undefined
  /** 0 to 16,777,216. @default 100_000 */
  maxEntries?: number | undefined
}

/** Room for the entries is made in powers of two, and a typed array has an end. */
export const WINDOW_RULES: Rules<DuplicateWindow> = { windowMs: integer(0), maxEntries: integer(0, 2 ** 24) }

/** The right to handle a message: no copy of it is handled until the claim is settled or released. */
export interface Claim {
  readonly kind: 'claimed'
  readonly key: string
  readonly print: Fingerprint
  /** Who may {@link Duplicates.releaseAll} it. */
  readonly owner: object
  /** Called with whether the message is settled, for copies that wait for that. */
  readonly followers: ((settled: boolean) => void)[]
}

/**
 * Remembers settled messages by key, so that a copy which the broker delivers again after a crash is not handled again. A
 * key is recorded when its message is settled, not when it arrives: a copy of a running message waits for that one's
 * outcome, and is handled itself if the first was never settled.
 */
export class Duplicates {
  readonly #windowMs: number
  readonly #maxEntries: number
  /** With when each was settled. */
  readonly #settled: KeyMemory
  readonly #running = new Map<string, Claim>()

  constructor({ windowMs = 3_600_000, maxEntries = 100_000 }: DuplicateWindow = {}) {
    this.#windowMs = windowMs
    this.#maxEntries = maxEntries
    // One more until the oldest is forgotten.
    this.#settled = new KeyMemory(maxEntries + 1)
  }

  /** With the claim, its owner handles the message and then calls {@link settle} or {@link release}. */
  claim(key: string, owner: object, now: number): Claim | 'running' | 'settled' {
    if (this.#running.has(key)) return 'running'
    this.#expire(now)
    const print = fingerprintOf(key)
    if (this.#settled.has(print)) return 'settled'
    const claim: Claim = { kind: 'claimed', key, print, owner, followers: [] }
    this.#running.set(key, claim)
    return claim
  }

  /** As {@link claim}, once no copy is running any more. */
  async claimNext(key: string, owner: object, now: number): Promise<Claim | 'settled'> {
    for (let running = this.#running.get(key); running; running = this.#running.get(key)) {
      const { followers } = running
      const settled = await new Promise<boolean>((resolve) => followers.push(resolve))
      if (settled) return 'settled'
    }
    return this.claim(key, owner, now) as Claim | 'settled'
  }

  /** The message is done. Counts also for a claim that was released meanwhile: its handler was left behind, and has ended. */
  settle({ key, print }: Claim, now: number): void {
    if (!this.#settled.has(print)) this.#settled.add(print, now)
    const running = this.#running.get(key)
    if (running) this.#end(running, true)
  }

  /** Lets a copy have its turn. Does nothing for a claim that has ended. */
  release(claim: Claim): void {
    if (this.#running.get(claim.key) === claim) this.#end(claim, false)
  }

  /** For an owner that leaves its handlers behind. */
  releaseAll(owner: object): void {
    for (const claim of [...this.#running.values()]) if (claim.owner === owner) this.#end(claim, false)
  }

  /** Whether nothing is remembered any more, and nothing runs. */
  isEmpty(now: number): boolean {
    this.#expire(now)
    return this.#settled.size === 0 && this.#running.size === 0
  }

  /** Gives back the memory that is not needed. */
  compact(): void {
    this.#settled.compact()
  }

  #end({ key, followers }: Claim, settled: boolean): void {
    this.#running.delete(key)
    for (const tell of followers) tell(settled)
  }

  #expire(now: number): void {
    for (let at = this.#settled.oldestAt; at !== undefined; at = this.#settled.oldestAt) {
      if (at > now - this.#windowMs && this.#settled.size <= this.#maxEntries) return
      this.#settled.forgetOldest()
    }
  }
}
