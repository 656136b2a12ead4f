/** Pauses, of which a limited number is under way: where one more begins, the oldest ends. */
export class BoundedPauses {
  readonly #max: number
  readonly #underWay = new Set<() => void>()
  #hasEnded = false

  constructor(max: number) {
    this.#max = max
  }

  /** Resolves after `ms`, or earlier if too many others begin. */
  take(ms: number): Promise<void> {
    if (ms <= 0 || this.#hasEnded) return Promise.resolve()
    const [oldest] = this.#underWay
    if (this.#underWay.size >= this.#max) oldest?.()
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.#underWay.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#underWay.add(end)
    })
  }

  /** Ends all of them now, and later ones at once. */
  end(): void {
    this.#hasEnded = true
    for (const end of this.#underWay) end()
  }
}
