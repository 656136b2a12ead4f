import type { Dueque } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

export interface LoadOptions {
  queue: string
  perSecond: number
  delayMs: () => number
}

const BATCH_MS = 20

/** Schedules notes at a steady rate, numbered from 0, whatever happens to the broker, until it is ended. */
export class SteadyLoad {
  readonly failures: unknown[] = []
  confirmed = 0
  readonly #pending: Promise<void>[] = []
  readonly #timer: ReturnType<typeof setInterval>

  constructor(mq: Dueque, { queue, perSecond, delayMs }: LoadOptions) {
    const start = performance.now()
    const one = async (n: number) => {
      try {
        await mq.schedule(note, { n }, { to: { queue }, in: delayMs() })
        this.confirmed++
      } catch (error) {
        this.failures.push(error)
      }
    }
    this.#timer = setInterval(() => {
      const wanted = ((performance.now() - start) * perSecond) / 1000
      while (this.#pending.length < wanted) this.#pending.push(one(this.#pending.length))
    }, BATCH_MS)
  }

  /** Resolves to the number of messages when all of them are confirmed or have failed. */
  async end(): Promise<number> {
    clearInterval(this.#timer)
    await Promise.all(this.#pending)
    return this.#pending.length
  }
}
