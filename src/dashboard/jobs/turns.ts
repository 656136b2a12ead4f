import { endsWithin } from '../../base/time-limit.js'
import { Refused } from '../http/refused.js'

/** For so long a look waits for the work before it. */
const PATIENCE_MS = 5000

/**
 * One work after another on each queue of failed messages. A look takes every message and gives it back: two at once would each see
 * a part, and a redrive would end early.
 */
export class Turns {
  /** Each never rejects. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** Waits for as long as it takes. A work that was stopped meanwhile is not begun. @throws the reason of the signal */
  async take<T>(queue: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(queue) ?? Promise.resolve()
    const own = before.then(() => {
      signal.throwIfAborted()
      return work()
    })
    this.#hold(queue, own)
    return own
  }

  /** @throws Refused 409 if it is not its turn within 5 s */
  async look<T>(queue: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(queue) ?? Promise.resolve()
    const turn = { isGivenUp: false }
    const own = before.then(() => (turn.isGivenUp ? undefined : work()))
    this.#hold(queue, own)
    if (!(await endsWithin(before, PATIENCE_MS))) {
      turn.isGivenUp = true
      throw new Refused(409, 'BUSY', 'a job works on this queue: its messages are shown when it has ended')
    }
    return own as Promise<T>
  }

  #hold(queue: string, work: Promise<unknown>): void {
    const ended = work.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(queue, ended)
    void ended.then(() => {
      if (this.#last.get(queue) === ended) this.#last.delete(queue)
    })
  }
}
