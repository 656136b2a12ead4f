/** Whether a store answers, by its last calls. */
export class Answers {
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
