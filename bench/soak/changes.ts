import { isDuequeError, type CancelTarget, type Receipt } from 'dueque'
import type { Change, Course } from './course.js'
import { soaked } from './process.js'
import type { Parts } from './schedules.js'

/** Cancels and reschedules waiting messages. */
export class Changes {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves when it is answered, or has failed. */
  async make(n: number, course: Course, receipt: Receipt): Promise<void> {
    const { ledger } = this.#parts
    const key = String(n)
    const change = course.change!
    ledger.write({ is: 'cancel', key, below: change.does === 'cancel' ? null : 1 })
    try {
      await (change.does === 'cancel' ? this.#cancel(key, course, receipt) : this.#reschedule(key, course, receipt))
    } catch (error) {
      if (!isDuequeError(error)) throw error
      if (change.does === 'reschedule') ledger.write({ is: error.outcome, key, k: 1, code: error.code })
      if (error.outcome === 'refused') ledger.write({ is: 'answer', key, answer: 'refused' })
    }
  }

  async #cancel(key: string, { kind, change }: Course, receipt: Receipt): Promise<void> {
    const { ledger, ways } = this.#parts
    const answer = await ways[kind]!.cancel(targetOf(change!, receipt))
    ledger.write({ is: 'answer', key, answer })
  }

  async #reschedule(key: string, { kind, change, to, expiresInMs }: Course, receipt: Receipt): Promise<void> {
    const { ledger, ways, dueIn } = this.#parts
    const time = dueIn(change!.delayMs)
    ledger.write({ is: 'try', key, k: 1, ...time })
    const content = { message: soaked, payload: { k: 1 }, options: { to, expiresIn: expiresInMs } }
    const moved = await ways[kind]!.reschedule(targetOf(change!, receipt), { at: new Date(time.told) }, content)
    if (moved) ledger.write({ is: 'confirmed', key, k: 1 })
    else ledger.write({ is: 'refused', key, k: 1, code: 'not-waiting' })
    ledger.write({ is: 'answer', key, answer: moved?.replaced ?? 'not-waiting' })
  }
}

function targetOf({ by }: Change, receipt: Receipt): CancelTarget {
  const { id, dueAt } = receipt
  if (by === 'receipt') return receipt
  return by === 'id' ? id : { id, dueAt }
}
