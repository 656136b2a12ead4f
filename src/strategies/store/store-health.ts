/** Whether a store answers, by the outcomes of the last calls. */
export class StoreHealth {
  #isUp = true
  #answeredAt = -Infinity

  get isUp(): boolean {
    return this.#isUp
  }

  answered(): void {
    this.#isUp = true
    this.#answeredAt = performance.now()
  }

  /** @param begunAt when the call that failed began. What was answered since is newer. */
  failed(begunAt: number): void {
    if (begunAt >= this.#answeredAt) this.#isUp = false
  }
}
