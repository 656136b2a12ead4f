import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { defineMessage, on, type ConsumeOptions, type Delivery, type Dueque, type Receipt } from '../../src/index.js'
import { poll } from '../../scripts/broker/poll.js'

export const note = defineMessage('test.note', z.object({ n: z.number(), text: z.string().optional() }))
export type Note = Delivery<{ n: number; text?: string | undefined }>

export const unique = (name: string) => `${name}-${randomUUID().slice(0, 8)}`

/** Consumes a queue and records its messages. */
export class Recorder {
  readonly deliveries: Note[] = []
  readonly #calledAt = new WeakMap<Note, number>()

  static async on(mq: Dueque, queue: string, options?: ConsumeOptions): Promise<Recorder> {
    const recorder = new Recorder()
    const record = (delivery: Note) => {
      recorder.#calledAt.set(delivery, Date.now())
      recorder.deliveries.push(delivery)
    }
    await mq.consume(queue, [on(note, record)], options)
    return recorder
  }

  get numbers(): number[] {
    return this.deliveries.map(({ payload }) => payload.n)
  }

  get early(): Note[] {
    return this.deliveries.filter((delivery) => this.#calledAt.get(delivery)! < delivery.dueAt.getTime())
  }

  /** Waits for `count` deliveries. The next assertion checks for more. */
  async has(count: number, timeoutMs = 30_000): Promise<void> {
    const what = `${count} deliveries, got ${this.deliveries.length}`
    await poll(() => this.deliveries.length >= count, { timeoutMs, what })
  }
}

/** Schedules one note for each delay, numbered from 0, all at once. */
export function scheduleNotes(mq: Dueque, queue: string, delays: readonly number[]): Promise<Receipt[]> {
  return Promise.all(delays.map((delay, n) => mq.schedule(note, { n }, { to: { queue }, in: delay, declare: true })))
}
