import { onTestFinished } from 'vitest'
import { check } from '../../scripts/checker/check.js'
import { History } from '../../scripts/checker/history.js'
import { connect, on, type ConnectOptions, type ConsumeOptions, type Dueque } from '../../src/index.js'
import { poll } from '../support/broker.js'
import { note, unique } from '../strategies/recorder.js'
import { expectClean, outcomeOf } from '../support/clean.js'
import { SteadyLoad } from './steady-load.js'

export interface WorkOptions extends ConnectOptions {
  /** @default a name of its own */
  queue?: string
  consume?: ConsumeOptions
}

/** A producer and a consumer on their own queue that go on during a fault, and the account afterwards. */
export class AtWork {
  /** Resolves when messages arrive. Ends with the test. */
  static async start(url: string, { queue = unique('work'), consume, ...options }: WorkOptions = {}): Promise<AtWork> {
    const mq = await connect({ url, publishTimeoutMs: 120_000, ...options })
    const work = new AtWork(mq, queue)
    onTestFinished(async () => {
      work.load.halt()
      await mq.close({ drainTimeoutMs: 2000 })
    })
    await work.#consume(consume)
    work.load.start()
    await work.flows('at the start')
    return work
  }

  readonly mq: Dueque
  readonly queue: string
  readonly load: SteadyLoad
  /** Names of the events, in order; an error with its code: `error VHOST_REFUSED`. */
  readonly events: string[] = []
  /** The instants at which each number was handled. */
  readonly handled = new Map<number, number[]>()

  private constructor(mq: Dueque, queue: string) {
    this.mq = mq
    this.queue = queue
    this.load = new SteadyLoad(mq, { queue, perSecond: 100, delayMs: (n) => (n % 2 === 0 ? 1000 : 2000) })
    mq.on('disconnected', () => this.events.push('disconnected'))
    mq.on('reconnected', () => this.events.push('reconnected'))
    mq.on('blocked', () => this.events.push('blocked'))
    mq.on('unblocked', () => this.events.push('unblocked'))
    mq.on('error', ({ code }) => this.events.push(`error ${code}`))
  }

  async #consume(options?: ConsumeOptions): Promise<void> {
    const handler = on(note, ({ payload: { n } }) => {
      this.handled.set(n, [...(this.handled.get(n) ?? []), Date.now()])
    })
    await this.mq.consume(this.queue, [handler], options)
  }

  /** Resolves when a message that is scheduled from now on was handled. */
  async flows(when: string): Promise<void> {
    const from = this.load.count
    const isNew = (n: number) => n >= from
    await poll(() => [...this.handled.keys()].some(isNew), { what: `a new message ${when}`, timeoutMs: 60_000 })
  }

  sees(event: string): Promise<unknown> {
    return poll(() => this.events.includes(event), { what: `the event ${event}`, timeoutMs: 60_000 })
  }

  /**
   * Ends the load and waits until everything confirmed was handled: each one once, none early, and none of those that
   * were refused.
   *
   * @param lost says which of the confirmed ones nobody can expect to arrive
   */
  async account(lost: (n: number) => boolean = () => false): Promise<void> {
    const { load, handled } = this
    const count = await load.end()
    const numbers = Array.from({ length: count }, (_, n) => n).filter((n) => handled.has(n) || !lost(n))
    const missing = () => numbers.filter((n) => !load.failed.has(n) && !handled.has(n))
    await poll(() => missing().length === 0, { what: 'all handled', timeoutMs: 60_000 }).catch(() => undefined)
    expectClean(check(this.#history(numbers)))
  }

  #history(numbers: readonly number[]): History {
    const { load, handled } = this
    const history = new History()
    for (const n of numbers) {
      const [key, due] = [String(n), load.dueAt[n]!]
      history.tried(key, { process: 'producer', at: due, due })
      history.settled(key, load.failed.has(n) ? outcomeOf(load.failed.get(n)) : 'confirmed')
    }
    for (const [n, times] of handled) for (const at of times) history.handled(String(n), { process: 'consumer', at })
    return history
  }
}
