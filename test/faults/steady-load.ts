import type { Dueque } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

export interface LoadOptions {
  queue: string
  perSecond: number
  delayMs: (n: number) => number
}

const BATCH_MS = 20

/** Schedules notes at a steady rate, numbered from 0, whatever happens to the broker, from `start` until it is ended. */
export class SteadyLoad {
  /** Errors by number. */
  readonly failed = new Map<number, unknown>()
  /** The earliest instant, by number, at which it may be handled: milliseconds since the epoch. */
  readonly dueAt: number[] = []
  /** Numbers. */
  readonly confirmed = new Set<number>()
  readonly #mq: Dueque
  readonly #options: LoadOptions
  readonly #pending: Promise<void>[] = []
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(mq: Dueque, options: LoadOptions) {
    this.#mq = mq
    this.#options = options
  }

  start(): this {
    const { perSecond } = this.#options
    const start = performance.now()
    this.#timer = setInterval(() => {
      const wanted = ((performance.now() - start) * perSecond) / 1000
      while (this.#pending.length < wanted) this.#pending.push(this.#one(this.#pending.length))
    }, BATCH_MS)
    return this
  }

  get failures(): unknown[] {
    return [...this.failed.values()]
  }

  /** Schedules so far, whatever their outcome. */
  get count(): number {
    return this.#pending.length
  }

  /** Schedules no more. */
  halt(): void {
    clearInterval(this.#timer)
  }

  /** Resolves to the number of messages when all of them are confirmed or have failed. */
  async end(): Promise<number> {
    this.halt()
    await Promise.all(this.#pending)
    return this.#pending.length
  }

  async #one(n: number): Promise<void> {
    const { queue, delayMs } = this.#options
    const delay = delayMs(n)
    this.dueAt[n] = Date.now() + delay
    try {
      await this.#mq.schedule(note, { n }, { to: { queue }, in: delay })
      this.confirmed.add(n)
    } catch (error) {
      this.failed.set(n, error)
    }
  }
}
