import { errorText } from '../../base/errors.js'
import { TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'

/** An answer is good for so long, and for four times as long as it took: its metrics do not keep a slow source busy. */
const FRESH_MS = 2000
const TIMES = 4
/** Prometheus gives up after 10 s by default. */
const LIMIT_MS = 5000

/** What a look has seen, or why it has seen nothing. */
export type Seen<T> =
  { readonly value: T; readonly reason?: undefined } | { readonly value?: undefined; readonly reason: string }

/** Looks at something for all who ask meanwhile and shortly after. */
export class SharedLook<T> {
  readonly #look: () => Promise<T>
  readonly #mostFreshMs: number
  #current: Promise<T> | undefined
  #freshUntil = Infinity

  /** @param mostFreshMs however long an answer took: its source may have been away, and is back */
  constructor(look: () => Promise<T>, mostFreshMs = Infinity) {
    this.#look = look
    this.#mostFreshMs = mostFreshMs
  }

  /** Never rejects, and takes 5 s at most. A look that takes longer goes on, for those who ask next. */
  async ask(): Promise<Seen<T>> {
    if (performance.now() >= this.#freshUntil) this.#current = undefined
    this.#current ??= this.#start()
    try {
      return { value: await withTimeLimit(this.#current, LIMIT_MS) }
    } catch (error) {
      return { reason: error === TIMED_OUT ? `no answer within ${LIMIT_MS} ms` : errorText(error) }
    }
  }

  #start(): Promise<T> {
    const startedAt = performance.now()
    this.#freshUntil = Infinity
    const ended = () => {
      const now = performance.now()
      this.#freshUntil = now + Math.min(Math.max(FRESH_MS, (now - startedAt) * TIMES), this.#mostFreshMs)
    }
    const looking = this.#look()
    looking.then(ended, ended)
    return looking
  }
}
