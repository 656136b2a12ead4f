import { isDuequeError, type Dueque, type LadderStrategy, type Receipt, type ScheduleOptions } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { idOf, type Course } from './course.js'
import { soaked, type DueTime, type Process } from './process.js'
import type { Kind } from './queues.js'

export type Parts = Pick<Process, 'ledger' | 'ways' | 'dueIn' | 'ending'>

/** Before a schedule is repeated. */
const PAUSE_MS = 200
/** Until a bulk is sent, and until one in batches is. */
const [BULK_MS, BATCHED_MS] = [250, 1500]

interface Waiting {
  n: number
  options: ScheduleOptions
  settle: (outcome: { receipt?: Receipt; error?: unknown }) => void
}

/** Schedules messages, one by one or in bulk, and repeats a schedule whose outcome is unknown. */
export class Schedules {
  readonly #parts: Parts
  readonly #bulks = new Map<string, Waiting[]>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves to the receipt, or undefined if it was refused or its outcome stays unknown. */
  async schedule(n: number, course: Course): Promise<Receipt | undefined> {
    const { ledger, ways, dueIn, ending } = this.#parts
    const key = String(n)
    const { kind, to, delayMs, expiresInMs, isBulk, isBatched } = course
    const time = isBatched ? atWholeSecond(dueIn(delayMs)) : dueIn(delayMs)
    ledger.write({ is: 'try', key, k: 0, ...time })
    const options: ScheduleOptions = { to, at: new Date(time.told), id: idOf(n), expiresIn: expiresInMs }
    for (let repeat: Receipt | undefined; ;) {
      try {
        const once = isBulk && !repeat
        const receipt = await (once
          ? this.#inBulk(course, n, options)
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

  #inBulk({ kind, isBatched: batch }: Course, n: number, options: ScheduleOptions): Promise<Receipt> {
    const name = `${kind} ${batch}`
    const bulk = this.#bulks.get(name) ?? []
    if (bulk.length === 0) {
      this.#bulks.set(name, bulk)
      const send = () => {
        this.#bulks.delete(name)
        void this.#send(kind, bulk, batch)
      }
      setTimeout(send, batch ? BATCHED_MS : BULK_MS)
    }
    return new Promise((resolve, reject) => {
      bulk.push({ n, options, settle: ({ receipt, error }) => (receipt ? resolve(receipt) : reject(error)) })
    })
  }

  async #send(kind: Kind, bulk: Waiting[], batch: boolean): Promise<void> {
    const items = bulk.map(({ options }) => ({ message: soaked, payload: { k: 0 }, options }))
    // Only the ladder is asked for batches.
    const mq = this.#parts.ways[kind] as Pick<Dueque<LadderStrategy>, 'scheduleAll'>
    for await (const { index, ...outcome } of mq.scheduleAll(items, { batch })) {
      bulk[index]!.settle(outcome)
    }
  }
}

/** Messages of one second travel in one batch. */
function atWholeSecond({ due, told }: DueTime): DueTime {
  const more = (1000 - (told % 1000)) % 1000
  return { due: due + more, told: told + more }
}
