import { AsyncLocalStorage } from 'node:async_hooks'
import type { Consumer } from '../consumer/stats.js'
import { checkHandlers, type Delivery, type Handler } from '../consumer/delivery.js'
import { checkConsume, type ConsumeOptions } from '../consumer/options.js'
import { DuequeError } from '../base/errors.js'

/** A handler that runs. */
export interface Call {
  readonly queue: string
  readonly delivery: Delivery
  /** Whether the clock will abort its signal. */
  readonly timesOut: boolean
  /** How often it has asked the clock to call it. */
  waits: number
  /** Whether it was waited for in vain, and has its time-out still before it. */
  hangs: boolean
  isOver: boolean
}

interface Consuming {
  readonly calls: Set<Call>
  consumer: Consumer | undefined
}

/** What is under way, and has to end before the time may move on. */
export class Activity {
  readonly #consuming = new Set<Consuming>()
  readonly #inside = new AsyncLocalStorage<Call>()
  readonly #onCall: (call: Call) => (error: unknown) => void
  #schedules = 0
  /** Grows whenever something begins or ends. */
  changes = 0

  /** @param onCall hears of each call of a handler; what it returns, of what the handler throws */
  constructor(onCall: (call: Call) => (error: unknown) => void) {
    this.#onCall = onCall
  }

  /** The handler that the caller is a part of. */
  get caller(): Call | undefined {
    const call = this.#inside.getStore()
    return call?.isOver ? undefined : call
  }

  /** Whether a schedule, a handler, or the way to or from one is to be waited for. */
  get isBusy(): boolean {
    return this.#schedules > 0 || [...this.#consuming].some(isBusy)
  }

  async schedule<T>(work: () => Promise<T>): Promise<T> {
    this.#schedules++
    try {
      return await work()
    } finally {
      this.#schedules--
      this.changes++
    }
  }

  async consume(
    queue: string,
    handlers: readonly Handler[],
    options: ConsumeOptions,
    start: (handlers: readonly Handler[]) => Promise<Consumer>,
  ): Promise<Consumer> {
    const consuming: Consuming = { calls: new Set(), consumer: undefined }
    checkConsume(options)
    const timesOut = (options.handlerTimeoutMs ?? 0) > 0
    const watched = ({ handle, ...handler }: Handler): Handler => ({
      ...handler,
      handle: (delivery) => {
        const call = { queue, delivery, timesOut, waits: 0, hangs: false, isOver: false }
        return this.#run(consuming, call, () => handle(delivery))
      },
    })
    this.#consuming.add(consuming)
    try {
      consuming.consumer = await start(checkHandlers(handlers).map(watched))
    } catch (error) {
      this.#consuming.delete(consuming)
      throw error
    }
    return consuming.consumer
  }

  /**
   * What is to be done about that which does not end: nothing, if the time must move on for it to end.
   *
   * @throws DuequeError `CLOCK_STUCK`
   */
  giveUp(waitedMs: number): void {
    const calls = [...this.#consuming].flatMap((consuming) => [...consuming.calls]).filter((call) => !isExempt(call))
    if (
      this.#schedules > 0 ||
      calls.length === 0 ||
      calls.some(({ timesOut, delivery }) => !timesOut || delivery.signal.aborted)
    )
      throw this.#stuck(calls, waitedMs)
    for (const call of calls) call.hangs = true
  }

  async #run({ calls }: Consuming, call: Call, handle: () => unknown): Promise<void> {
    const failed = this.#onCall(call)
    calls.add(call)
    this.changes++
    try {
      await this.#inside.run(call, handle)
    } catch (error) {
      failed(error)
      throw error
    } finally {
      call.isOver = true
      calls.delete(call)
      this.changes++
    }
  }

  #stuck(calls: readonly Call[], waitedMs: number): DuequeError<'CLOCK_STUCK'> {
    const handlers = calls.map(({ queue, delivery: { name, id, attempt } }) => ({ queue, name, id, attempt }))
    const what = [
      ...handlers.map(
        ({ queue, name, id, attempt }) => `handler of ${name} (id ${id}, attempt ${attempt}) in ${queue}`,
      ),
      ...(this.#schedules > 0 ? [`schedules under way: ${this.#schedules}`] : []),
    ]
    const text = what.join('; ') || 'a message on its way to or from its handler'
    return new DuequeError(
      'CLOCK_STUCK',
      `the clock cannot move on: after ${waitedMs} ms this has not ended: ${text}. Does it wait for a fake timer, or for ` +
        'something that the test does later? What only takes long needs a longer patienceMs',
      { handlers },
    )
  }
}

function isBusy({ consumer, calls }: Consuming): boolean {
  const running = consumer?.stats().running ?? calls.size
  return running > [...calls].filter(isExempt).length
}

/** Nobody waits for it: the clock has to move first, or its consumer has closed without it. */
function isExempt({ waits, hangs, delivery: { signal } }: Call): boolean {
  if (signal.aborted) return (signal.reason as Error | undefined)?.name !== 'TimeoutError'
  return waits > 0 || hangs
}
