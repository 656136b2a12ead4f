import type { Clock } from '../../base/clock.js'
import type { Envelope } from '../../message/envelope.js'
import type { Dedupe } from './dedupe.js'
import { duplicateKey } from './duplicate-key.js'
import type { Claim, Duplicates } from './duplicates.js'

/** The claim of a message without a key. Copies of it cannot be told, so that nobody waits for it. */
const WITHOUT_KEY: Claim = { kind: 'claimed', key: '', print: new Int32Array(), owner: {}, followers: [] }

/**
 * Decides for one consumer which copy of a message is handled, in this process and, with a dedupe store, in all that share
 * it. Nobody else keeps claims.
 */
export class Copies {
  readonly #clock: Clock
  readonly #local: Duplicates
  readonly #shared: Dedupe | undefined

  constructor(clock: Clock, local: Duplicates, shared: Dedupe | undefined) {
    this.#clock = clock
    this.#local = local
    this.#shared = shared
  }

  /** Whether a claim of this process needs {@link confirm} before a handler may start. */
  get isShared(): boolean {
    return this.#shared !== undefined
  }

  /** Within this process. Not asynchronous, since it runs for every message. */
  claim(envelope: Envelope): Claim | 'running' | 'settled' {
    const key = duplicateKey(envelope)
    return key === undefined ? WITHOUT_KEY : this.#local.claim(key, this, this.#clock.monotonic())
  }

  /** As {@link claim}, once no copy runs in this process any more. */
  async claimNext(envelope: Envelope): Promise<Claim | 'settled'> {
    const key = duplicateKey(envelope)
    return key === undefined ? WITHOUT_KEY : this.#local.claimNext(key, this, this.#clock.monotonic())
  }

  /**
   * Claims it among all processes. Without success the claim has ended.
   *
   * @returns `later` if a copy runs in another process, or the store cannot be asked: to be claimed anew
   */
  async confirm(claim: Claim): Promise<'claimed' | 'settled' | 'later'> {
    if (claim === WITHOUT_KEY || !this.#shared) return 'claimed'
    const answer = await this.#shared.claim(claim.key)
    if (answer === 'claimed') return answer
    if (answer === 'settled') this.#local.settle(claim, this.#clock.monotonic())
    else this.#local.release(claim)
    return answer === 'settled' ? answer : 'later'
  }

  /**
   * Ends a claim with the outcome of its message: a settled one is not handled again, a copy of another has its turn.
   *
   * @returns with a dedupe store, a promise that resolves when the store knows
   */
  end(claim: Claim, settled: boolean): Promise<void> | undefined {
    if (claim === WITHOUT_KEY) return undefined
    if (this.#shared) return this.#endShared(this.#shared, claim, settled)
    this.#endLocal(claim, settled)
    return undefined
  }

  /** Gives up a claim that was not {@link confirm}ed. */
  release(claim: Claim): void {
    this.#local.release(claim)
  }

  /** The handlers that still run are left behind: copies of their messages are another consumer's. */
  releaseAll(): void {
    this.#local.releaseAll(this)
  }

  async #endShared(shared: Dedupe, claim: Claim, settled: boolean): Promise<void> {
    await shared.finish(claim.key, settled)
    this.#endLocal(claim, settled)
  }

  #endLocal(claim: Claim, settled: boolean): void {
    if (settled) this.#local.settle(claim, this.#clock.monotonic())
    else this.#local.release(claim)
  }
}
