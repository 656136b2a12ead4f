import { z } from 'zod'
import {
  defineMessage,
  on,
  type ConsumeOptions,
  type Consumer,
  type Dueque,
  type RecurringMethods,
} from '../../../src/index.js'
import { poll } from '../../support/broker.js'

export const beat = defineMessage('test.beat', z.object({ kind: z.string() }))

const SETTLED_MS = 3000

export type WithRecurring = Dueque & RecurringMethods

/** A handled occurrence. */
export interface Beat {
  readonly id: string
  readonly kind: string
  /** The time of its schedule. */
  readonly time: number
  readonly handledAt: number
  readonly backfilled: boolean
}

/** Consumes a queue, and notes each occurrence. */
export class OccurrenceLog {
  readonly beats: Beat[] = []
  consumer: Consumer | undefined

  static async on(mq: Dueque, queue: string, options?: ConsumeOptions): Promise<OccurrenceLog> {
    const log = new OccurrenceLog()
    const handler = on(beat, ({ id, payload, scheduledFor, backfilled }) => {
      const time = scheduledFor?.getTime() ?? NaN
      log.beats.push({ id, kind: payload.kind, time, handledAt: Date.now(), backfilled })
    })
    log.consumer = await mq.consume(queue, [handler], options)
    return log
  }

  /** Those of a schedule, by time. */
  of(id: string): Beat[] {
    return this.beats.filter((one) => one.id.startsWith(`${id}@`)).sort((a, b) => a.time - b.time)
  }

  /**
   * Until a schedule was handled for a time at or after this one, and no earlier one has come for {@link SETTLED_MS}: they wait
   * in queues of their own, and may overtake each other on a busy machine.
   */
  async through(id: string, time: number, timeoutMs = 60_000): Promise<void> {
    const what = `${id} at ${new Date(time).toISOString()}`
    const last = await poll(() => this.of(id).find((one) => one.time >= time), { timeoutMs, what })
    const isSettled = () => this.of(id).every((one) => one.time > last.time || Date.now() - one.handledAt > SETTLED_MS)
    await poll(isSettled, { timeoutMs, what: `${what}, and all before` })
  }
}
