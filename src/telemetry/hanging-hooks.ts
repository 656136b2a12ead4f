/** How long after the outcome a hook may take. */
const PATIENCE_MS = 30_000

interface Pending {
  readonly hook: string
  /** When the outcome of `run` was known. */
  knownAt: number | undefined
}

/** Notices hooks whose promise stays pending although the outcome is known. */
export class HangingHooks {
  readonly #pending = new Set<Pending>()
  readonly #report: (hook: string, waitedMs: number) => void
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param report called once for each such promise */
  constructor(report: (hook: string, waitedMs: number) => void) {
    this.#report = report
  }

  /** @param returned by the hook, a promise or not */
  watch(hook: string, returned: unknown, outcome: Promise<unknown>): void {
    const promise = returned as Partial<PromiseLike<unknown>> | null | undefined
    if (typeof promise?.then !== 'function') return
    const pending: Pending = { hook, knownAt: undefined }
    this.#pending.add(pending)
    const settled = () => this.#pending.delete(pending)
    const known = () => (pending.knownAt = performance.now())
    outcome.then(known, known)
    promise.then(settled, settled)
    if (!this.#timer) this.#timer = setTimeout(() => this.#look(), PATIENCE_MS).unref()
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const pending of this.#pending) {
      const waitedMs = now - (pending.knownAt ?? now)
      if (waitedMs < PATIENCE_MS) continue
      this.#pending.delete(pending)
      this.#report(pending.hook, Math.round(waitedMs))
    }
    if (this.#pending.size > 0) this.#timer = setTimeout(() => this.#look(), PATIENCE_MS).unref()
  }
}
