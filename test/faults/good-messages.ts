import { expect } from 'vitest'
import { on, onAny, type ConsumeOptions, type Dueque, type Receipt } from '../../src/index.js'
import { note, unique } from '../strategies/recorder.js'
import { poll } from '../support/broker.js'

interface Handled {
  readonly id: string
  readonly dueAt: Date
}

/** Good messages to one queue, beside hostile ones, and all that is handled there. */
export class GoodMessages {
  readonly note = { message: note, payload: { n: 0 } }
  readonly queue: string
  /** Handled before they were due: good and hostile ones. */
  readonly early: string[] = []
  readonly #mq: Dueque
  readonly #handled = new Map<string, number>()
  readonly #expected = new Set<string>()

  /** Consumes the queue. */
  static async on(mq: Dueque, options: ConsumeOptions = {}, queue?: string): Promise<GoodMessages> {
    const good = new GoodMessages(mq, queue)
    const handle = (delivery: Handled) => good.#arrived(delivery)
    await mq.consume(good.queue, [on(note, handle), onAny(handle)], { concurrency: 50, ...options })
    return good
  }

  constructor(mq: Dueque, queue = unique('good')) {
    this.#mq = mq
    this.queue = queue
  }

  /** They are to be handled. */
  async schedule(count: number, inMs: number): Promise<Receipt[]> {
    const schedule = (n: number) =>
      this.#mq.schedule(note, { n }, { to: { queue: this.queue }, in: inMs, declare: true, id: unique('good') })
    const receipts = await Promise.all(Array.from({ length: count }, (_, n) => schedule(n)))
    this.expect(receipts.map(({ id }) => id))
    return receipts
  }

  expect(ids: readonly string[]): void {
    for (const id of ids) this.#expected.add(id)
  }

  /** These are not to be handled. */
  without(receipts: readonly Receipt[]): void {
    for (const { id } of receipts) this.#expected.delete(id)
  }

  /** Fails unless each is handled once, and no message before it was due. */
  async areHandled(): Promise<void> {
    const missing = () => [...this.#expected].filter((id) => !this.#handled.has(id))
    await poll(() => missing().length === 0, { timeoutMs: 90_000, what: 'all handled' }).catch(() => undefined)
    expect(missing()).toEqual([])
    expect([...this.#expected].filter((id) => this.#handled.get(id)! > 1)).toEqual([])
    expect([...this.#handled.keys()].filter((id) => /^good-[^@]*$/.test(id) && !this.#expected.has(id))).toEqual([])
    expect(this.early).toEqual([])
  }

  /** How many occurrences of a schedule were handled. */
  occurrences(schedule: string): number {
    return [...this.#handled.keys()].filter((id) => id.startsWith(`${schedule}@`)).length
  }

  async occurs(schedule: string, times: number): Promise<void> {
    const what = () => this.occurrences(schedule) >= times
    await poll(what, { timeoutMs: 90_000, what: `${times} occurrences of ${schedule}` })
  }

  #arrived({ id, dueAt }: Handled): void {
    this.#handled.set(id, (this.#handled.get(id) ?? 0) + 1)
    if (Date.now() < dueAt.getTime()) this.early.push(id)
  }
}
