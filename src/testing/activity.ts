import { AsyncLocalStorage } from 'node:async_hooks'
import type { Consumer } from '../consumer/stats.js'
import { DuequeError } from '../base/errors.js'
import type { ProcessInfo, Telemetry } from '../telemetry.js'

/** A handler that runs. */
export interface Call {
  readonly queue: string
  readonly delivery: ProcessInfo['delivery']
  /** Whether the clock will abort its signal. */
  readonly timesOut: boolean
  /** Calls of the clock that it waits for. */
  waits: number
  /** Whether it is left to its time-out. */
  hangs: boolean
  isOver: boolean
}

/** Schedules, handlers and consumers of a test that are under way: they have to end before the time may move on. */
export class Activity {
  readonly #consumers = new Set<Consumer>()
  readonly #calls = new Set<Call>()
  readonly #inside = new AsyncLocalStorage<Call>()
  readonly #onCall: (call: Call) => (error: unknown) => void
  #schedules = 0
  /** Grows whenever something begins or ends. */
  changes = 0

  /** @param onCall called for each call of a handler. What it returns is called if the handler throws */
  constructor(onCall: (call: Call) => (error: unknown) => void) {
    this.#onCall = onCall
  }

  /** How it sees what a connection does. */
  readonly telemetry: Telemetry = {
    schedule: (_info, _headers, run) => this.#schedule(run),
    process: (info, run) => this.#process(info, run),
    consuming: (consumer) => void this.#consumers.add(consumer),
  }

  /** The handler that the caller is a part of. */
  get caller(): Call | undefined {
    const call = this.#inside.getStore()
    return call?.isOver ? undefined : call
  }

  /** Whether to wait for a schedule, for a handler, or for a message on its way to or from a handler. */
  get isBusy(): boolean {
    const running = [...this.#consumers].reduce((sum, consumer) => sum + consumer.stats().running, 0)
    return this.#schedules > 0 || running > [...this.#calls].filter(isExempt).length
  }

  /**
   * Called when nothing begins or ends any more. Handlers with a time-out are left to it: the time may move on.
   *
   * @throws DuequeError `CLOCK_STUCK`
   */
  giveUp(waitedMs: number): void {
    const calls = [...this.#calls].filter((call) => !isExempt(call))
    if (
      this.#schedules > 0 ||
      calls.length === 0 ||
      calls.some(({ timesOut, delivery }) => !timesOut || delivery.signal.aborted)
    )
      throw this.#stuck(calls, waitedMs)
    for (const call of calls) call.hangs = true
  }

  #schedule(run: () => Promise<unknown>): void {
    this.#schedules++
    const over = () => {
      this.#schedules--
      this.changes++
    }
    run().then(over, over)
  }

  #process({ queue, delivery, handlerTimeoutMs }: ProcessInfo, run: () => Promise<void>): void {
    const call = { queue, delivery, timesOut: handlerTimeoutMs > 0, waits: 0, hangs: false, isOver: false }
    const failed = this.#onCall(call)
    const over = () => {
      call.isOver = true
      this.#calls.delete(call)
      this.changes++
    }
    this.#calls.add(call)
    this.changes++
    this.#inside.run(call, run).then(over, (error: unknown) => {
      failed(error)
      over()
    })
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
      `the clock cannot move on: this has not ended within ${waitedMs} ms: ${text}. Does it wait for a fake timer, or for ` +
        'something that the test does later? If it only takes long, raise patienceMs',
      { handlers },
    )
  }
}

/** The clock does not wait for it: it waits for the clock, or its consumer has closed without it. */
function isExempt({ waits, hangs, delivery: { signal } }: Call): boolean {
  if (signal.aborted) return (signal.reason as Error | undefined)?.name !== 'TimeoutError'
  return waits > 0 || hangs
}
