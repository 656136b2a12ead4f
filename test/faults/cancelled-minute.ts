import { setTimeout as pause } from 'node:timers/promises'
import { check } from '../../scripts/checker/check.js'
import { History } from '../../scripts/checker/history.js'
import type { CancelResult, CancelTarget, Dueque, LadderStrategy, Receipt, StrategyMethods } from '../../src/index.js'
import { note } from '../strategies/recorder.js'
import { poll } from '../support/broker.js'
import { expectClean } from '../support/clean.js'
import type { Start } from './handler-log.js'
import { warmUp } from '../support/warm-up.js'

/** A consumer that is killed, or whose broker is, may have handled messages a moment before that are delivered again. */
const AROUND_FAULT_MS = 5000
/**
 * A broker that is slow to confirm to its own dead-letter worker gets a message from it once more, after 5 s:
 * dead_letter_worker_publisher_confirm_timeout in docker/advanced.config.
 */
const RESENT_AFTER_MS = 3000

/** How many messages: enough for all tests together, and for a proof by themselves 10,000, which take a minute. */
export const COUNT = Number(process.env['DUEQUE_CANCELLED_COUNT'] ?? 1500)
/** They are due within a minute at most. */
export const MINUTE = { count: COUNT, firstInMs: 6000 + COUNT / 2, overMs: Math.max(20_000, COUNT * 5.5) }

export type Canceller = Dueque<LadderStrategy> & StrategyMethods<LadderStrategy>

interface Cancellation {
  readonly n: number
  /** When to ask for it. */
  readonly at: number
  readonly target: CancelTarget
  answer?: CancelResult
  answeredAt?: number
}

/** Where the consumers of a queue write down what they handle. */
export interface Handlers {
  readonly queue: string
  starts(): readonly Start[]
}

export interface MinuteOptions {
  count: number
  /** The first message is due after so many milliseconds, the last one so many later. */
  firstInMs: number
  overMs: number
}

/** Messages that are due within a minute, of which a random half is cancelled, and the account of what was handled. */
export class CancelledMinute {
  static async schedule(mq: Canceller, log: Handlers, options: MinuteOptions): Promise<CancelledMinute> {
    await warmUp(mq, options.firstInMs, options.firstInMs + options.overMs)
    const minute = new CancelledMinute(mq, log, options)
    await minute.#schedule()
    return minute
  }

  readonly count: number
  readonly firstDueAt: number
  readonly lastDueAt: number
  readonly #mq: Canceller
  readonly #log: Handlers
  readonly #receipts: Receipt[] = []
  readonly #cancellations: Cancellation[] = []
  readonly #faults: number[] = []
  readonly #scheduledAt = Date.now()

  private constructor(mq: Canceller, log: Handlers, { count, firstInMs, overMs }: MinuteOptions) {
    this.#mq = mq
    this.#log = log
    this.count = count
    this.firstDueAt = Date.now() + firstInMs
    this.lastDueAt = this.firstDueAt + overMs
  }

  async #schedule(): Promise<void> {
    const { firstDueAt, lastDueAt } = this
    const item = (n: number) => {
      const at = new Date(firstDueAt + Math.floor(Math.random() * (lastDueAt - firstDueAt)))
      return { message: note, payload: { n }, options: { to: { queue: this.#log.queue }, at, declare: true } }
    }
    const items = Array.from({ length: this.count }, (_, n) => item(n))
    for await (const { index, receipt, error } of this.#mq.scheduleAll(items)) {
      if (error) throw error
      this.#receipts[index] = receipt
    }
  }

  /** Cancels a random half of them, each at a random time until 2 s before it is due. Resolves when all are answered. */
  async cancelHalf(): Promise<void> {
    const now = Date.now()
    for (const [n, receipt] of this.#receipts.entries()) {
      if (Math.random() < 0.5) continue
      const latest = Date.parse(receipt.dueAt) - 2000
      this.#cancellations.push({ n, at: now + Math.random() * (latest - now), target: targetOf(receipt, n) })
    }
    const asked: Promise<void>[] = []
    for (const cancellation of this.#cancellations.toSorted((a, b) => a.at - b.at)) {
      const waitMs = cancellation.at - Date.now()
      if (waitMs > 0) await pause(waitMs)
      asked.push(this.#cancel(cancellation))
    }
    await Promise.all(asked)
  }

  async #cancel(cancellation: Cancellation): Promise<void> {
    cancellation.answer = await this.#mq.cancel(cancellation.target)
    cancellation.answeredAt = Date.now()
  }

  /** Something is about to break: around this moment a message may be handled twice. */
  faulty(): void {
    this.#faults.push(Date.now())
  }

  /** @param time milliseconds since the epoch */
  readonly until = async (time: number): Promise<void> => {
    await pause(Math.max(time - Date.now(), 0))
  }

  /**
   * Waits until all messages were handled that nobody has cancelled, and checks: each of them once, but for faults; none early;
   * none whose cancellation was answered with `cancelled`.
   *
   * @param mayLose the broker may lose messages by itself
   * @returns how many cancellations had which answer, and how many messages the broker has lost
   */
  async account({ mayLose = false } = {}): Promise<Partial<Record<CancelResult | 'lost', number>>> {
    await this.until(this.lastDueAt)
    const all = { what: 'all others handled', timeoutMs: mayLose ? 20_000 : 90_000, intervalMs: 250 }
    await poll(() => this.#missing().length === 0, all).catch(() => undefined)
    // Nothing more may come.
    await pause(1000)
    const rules = { resentAfterMs: RESENT_AFTER_MS, causeWithinMs: AROUND_FAULT_MS }
    const verdict = check(this.#history(), undefined, rules)
    const { lost } = verdict
    if (mayLose) verdict.findings = verdict.findings.filter(({ fault }) => fault !== 'lost')
    expectClean(verdict)
    return { ...this.#answers(), ...(lost > 0 && { lost }) }
  }

  #history(): History {
    const history = new History()
    for (const at of this.#faults) history.troubles.push({ what: 'the fault of the test', from: at, to: at })
    for (const [n, { dueAt }] of this.#receipts.entries()) {
      history.tried(String(n), { process: 'producer', at: this.#scheduledAt, due: Date.parse(dueAt) })
      history.settled(String(n), 'confirmed')
    }
    for (const { n, at, answer, answeredAt } of this.#cancellations) {
      history.cancelling(String(n), { process: 'canceller', askedAt: at, below: Infinity })
      if (answer) history.answered(String(n), answer, answeredAt!)
    }
    for (const { n, dueAt, at, process = 'consumer' } of this.#log.starts()) {
      history.handled(String(n), { process, at, due: dueAt })
    }
    return history
  }

  #missing(): number[] {
    const started = new Set(this.#log.starts().map(({ n }) => n))
    for (const { n } of this.#cancellations) started.add(n)
    return Array.from({ length: this.count }, (_, n) => n).filter((n) => !started.has(n))
  }

  #answers(): Partial<Record<CancelResult, number>> {
    const counts: Partial<Record<CancelResult, number>> = {}
    for (const { answer } of this.#cancellations) if (answer) counts[answer] = (counts[answer] ?? 0) + 1
    return counts
  }
}

/** Each kind of target. */
function targetOf(receipt: Receipt, n: number): CancelTarget {
  const { id, dueAt } = receipt
  return [receipt, { id, dueAt }, id][n % 3]!
}
