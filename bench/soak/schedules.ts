import { isDuequeError, type Receipt, type ScheduleOptions } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { idOf, type Course, type Kind } from './course.js'
import { soaked, type Process } from './process.js'

export type Parts = Pick<Process, 'ledger' | 'ways' | 'dueIn' | 'ending'>

/** Before a schedule is repeated. */
const PAUSE_MS = 200
/** Until a bulk is sent. */
const BULK_MS = 250

interface Waiting {
  n: number
  options: ScheduleOptions
  settle: (outcome: { receipt?: Receipt; error?: unknown }) => void
}

/** Schedules messages, one by one or in bulk, and repeats a schedule whose outcome is unknown. */
export class Schedules {
  readonly #parts: Parts
  readonly #bulks = new Map<Kind, Waiting[]>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves to the receipt, or undefined if it was refused or its outcome stays unknown. */
  async schedule(n: number, { kind, to, delayMs, expiresInMs, isBulk }: Course): Promise<Receipt | undefined> {
    const { ledger, ways, dueIn, ending } = this.#parts
    const key = String(n)
    const time = dueIn(delayMs)
    ledger.write({ is: 'try', key, k: 0, ...time })
    const options: ScheduleOptions = { to, at: new Date(time.told), id: idOf(n), expiresIn: expiresInMs }
    for (let repeat: Receipt | undefined; ;) {
      try {
        const once = isBulk && !repeat
        const receipt = await (once
          ? this.#inBulk(kind, n, options)
          : ways[kind]!.schedule(soaked, { k: 0 }, { ...options, repeat }))
        ledger.write({ is: 'confirmed', key, k: 0 })
        return receipt
      } catch (error) {
        if (!isDuequeError(error)) throw error
        const { code, receipt } = error
        // If a repeat is refused, the outcome of the first stays unknown.
        if (!repeat) ledger.write({ is: error.outcome, key, k: 0, code })
        repeat ??= receipt
        if (!repeat || ending.aborted) return undefined
      }
      await sleep(PAUSE_MS)
    }
  }

  #inBulk(kind: Kind, n: number, options: ScheduleOptions): Promise<Receipt> {
    const bulk = this.#bulks.get(kind) ?? []
    if (bulk.length === 0) {
      this.#bulks.set(kind, bulk)
      setTimeout(() => void this.#send(kind, bulk), BULK_MS)
    }
    return new Promise((resolve, reject) => {
      bulk.push({ n, options, settle: ({ receipt, error }) => (receipt ? resolve(receipt) : reject(error)) })
    })
  }

  async #send(kind: Kind, bulk: Waiting[]): Promise<void> {
    this.#bulks.delete(kind)
    const items = bulk.map(({ options }) => ({ message: soaked, payload: { k: 0 }, options }))
    for await (const { index, ...outcome } of this.#parts.ways[kind]!.scheduleAll(items)) {
      bulk[index]!.settle(outcome)
    }
  }
}
