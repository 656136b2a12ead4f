/** How long after the outcome a hook may take. */
const PATIENCE_MS = 30_000
/** Watched at a time for each hook: a hook that always hangs must not fill the memory. */
const MOST_WATCHED = 100

interface Pending {
  /** When the outcome of `run` was known, by `performance.now()`. */
  readonly knownAt: number
}

/** Notices hooks whose promise stays pending although the outcome is known. */
export class HangingHooks {
  readonly #pending = new Map<string, Set<Pending>>()
  readonly #report: (hook: string, waitedMs: number) => void
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param report called once for each such promise */
  constructor(report: (hook: string, waitedMs: number) => void) {
    this.#report = report
  }

  /**
   * Nothing is kept before the outcome, which may never be known.
   *
   * @param returned by the hook
   * @param rejected called with what it rejects with
   */
  watch(
    hook: string,
    returned: PromiseLike<unknown>,
    outcome: Promise<unknown>,
    rejected: (error: unknown) => void,
  ): void {
    let isSettled = false
    let pending: Pending | undefined
    const settled = () => {
      isSettled = true
      if (pending) this.#pending.get(hook)!.delete(pending)
    }
    const known = () => {
      if (!isSettled) pending = this.#add(hook)
    }
    outcome.then(known, known)
    returned.then(settled, (error: unknown) => {
      settled()
      rejected(error)
    })
  }

  #add(hook: string): Pending | undefined {
    const all = this.#pending.get(hook) ?? new Set<Pending>()
    if (all.size >= MOST_WATCHED) return undefined
    this.#pending.set(hook, all)
    const pending = { knownAt: performance.now() }
    all.add(pending)
    if (!this.#timer) this.#timer = setTimeout(() => this.#look(), PATIENCE_MS).unref()
    return pending
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    let left = 0
    for (const [hook, all] of this.#pending) {
      for (const pending of all) {
        const waitedMs = now - pending.knownAt
        // Node's timer may fire a millisecond early.
        if (waitedMs < PATIENCE_MS - 1) continue
        all.delete(pending)
        this.#report(hook, Math.round(waitedMs))
      }
      left += all.size
    }
    if (left > 0) this.#timer = setTimeout(() => this.#look(), PATIENCE_MS).unref()
  }
}
