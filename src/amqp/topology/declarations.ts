import { DuequeError } from '../../base/errors.js'

/**
 * Remembers declarations by key, so that each is made once: until the connection is lost, or a declared part turns out to be
 * gone.
 */
export class Declarations {
  readonly #done = new Map<string, Promise<void> | true>()
  /** Declares the parts again that catch messages. */
  readonly #again = new Map<string, () => Promise<void>>()
  readonly #onForget: () => void
  #epoch = 0

  constructor(onForget: () => void) {
    this.#onForget = onForget
  }

  /** Raised each time that everything is forgotten. */
  get epoch(): number {
    return this.#epoch
  }

  has(key: string): boolean {
    return this.#done.get(key) === true
  }

  /**
   * Several callers share one run. A run that fails is forgotten.
   *
   * @param again whether {@link renew} runs it again
   */
  once(key: string, declare: () => Promise<void>, again = false): Promise<void> {
    const known = this.#done.get(key)
    if (known !== undefined) return known === true ? Promise.resolve() : known
    const running: Promise<void> = this.#twice(declare).then(
      () => this.#settle(key, running, true),
      (error: unknown) => {
        this.#settle(key, running, undefined)
        throw error
      },
    )
    this.#done.set(key, running)
    if (again) this.#again.set(key, declare)
    return running
  }

  /** Forgets one key. */
  drop(key: string): void {
    this.#done.delete(key)
  }

  /** Forgets everything, unless that was done since `epoch`. */
  forget(epoch = this.#epoch): void {
    if (epoch !== this.#epoch) return
    this.#epoch++
    this.#done.clear()
    this.#onForget()
  }

  /** Declares again what catches messages. If that fails, it is tried again when it is needed. */
  renew(): void {
    const known = [...this.#again].filter(([key]) => this.#done.has(key))
    for (const [key] of known) this.#done.delete(key)
    for (const [key, declare] of known) this.once(key, declare).catch(() => undefined)
  }

  /** If a part that was there turns out to be gone, everything is declared again, once. */
  async #twice(declare: () => Promise<void>): Promise<void> {
    try {
      await declare()
    } catch (error) {
      if (!isVanished(error)) throw error
      this.forget()
      await declare()
    }
  }

  /** Unless it was forgotten meanwhile. */
  #settle(key: string, running: Promise<void>, result: true | undefined): void {
    if (this.#done.get(key) !== running) return
    if (result) this.#done.set(key, result)
    else this.#done.delete(key)
  }
}

/** RabbitMQ's own NOT_FOUND, which has a cause. dueque's error for a missing destination has none. */
function isVanished(error: unknown): boolean {
  return error instanceof DuequeError && error.code === 'DESTINATION_MISSING' && error.cause !== undefined
}
