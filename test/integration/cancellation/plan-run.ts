import { setTimeout as pause } from 'node:timers/promises'
import {
  on,
  type CancelMethods,
  type CancelTarget,
  type Consumer,
  type Dueque,
  type Receipt,
} from '../../../src/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { poll } from '../../support/broker.js'
import { violations, type Attempt, type Cancelled, type Copy } from './delivery-model.js'
import type { PlanStep } from './random-plan.js'

const BACKOFF_MS = 1000
const CONSUMERS = 2

export type Canceller = Dueque & Pick<CancelMethods, 'cancel' | 'reschedule'>

/** How a strategy opens connections. */
export interface PlanWorld {
  producer: Canceller
  /** For a consumer, which is closed with it; the same one again if all connections are one. */
  open: () => Promise<Dueque>
}

/** Runs a plan with one producer and two consumers, and compares what was handled with what the model allows. */
export class PlanRun {
  readonly #world: PlanWorld
  readonly #queue = unique('plan')
  readonly #copies: Copy[] = []
  /** By id, in the order of the plan. */
  readonly #called = new Map<number, Promise<Copy>[]>()
  readonly #cancellations: Cancelled[] = []
  readonly #attempts: Attempt[] = []
  readonly #consumers: { mq: Dueque; consumer: Consumer }[] = []
  readonly #restarts: Promise<void>[] = []
  #order = 0

  constructor(world: PlanWorld) {
    this.#world = world
  }

  /** @returns what the documentation does not allow */
  async run(plan: readonly PlanStep[]): Promise<string[]> {
    for (let i = 0; i < CONSUMERS; i++) this.#consumers[i] = await this.#consume()
    const start = performance.now()
    const underWay: Promise<unknown>[] = []
    for (const step of plan) {
      const waitMs = start + step.atMs - performance.now()
      if (waitMs > 0) await pause(waitMs)
      underWay.push(this.#take(step))
    }
    await Promise.all(underWay)
    await Promise.all(this.#restarts)
    await this.#settled()
    return violations(this.#copies, this.#cancellations, this.#attempts)
  }

  get counts() {
    const { length: copies } = this.#copies
    return { copies, cancellations: this.#cancellations.length, attempts: this.#attempts.length }
  }

  async #consume(): Promise<{ mq: Dueque; consumer: Consumer }> {
    const mq = await this.#world.open()
    const handler = on(note, ({ payload: { n: failures, text }, attempt }) => {
      this.#attempts.push({ label: text!, attempt, at: Date.now() })
      if (attempt <= failures) throw new Error('as planned')
    })
    const retry = { attempts: 5, backoff: BACKOFF_MS }
    return { mq, consumer: await mq.consume(this.#queue, [handler], { retry }) }
  }

  async #take(step: PlanStep): Promise<unknown> {
    const { what, id, copy } = step
    const called = this.#called.get(id) ?? []
    this.#called.set(id, called)
    if (what === 'restart') return this.#restart(id % CONSUMERS)
    if (what === 'schedule') {
      called.push(this.#schedule(step))
      return called.at(-1)
    }
    if (called.length === 0) return
    const one = called[copy % called.length]!
    if (what === 'reschedule') {
      called.push(one.then((old) => this.#reschedule(old, step.dueInMs)))
      return called.at(-1)
    }
    if (what === 'repeat') return this.#repeat(await one)
    if (what === 'cancel receipt') return this.#cancelOne((await one).receipt)
    const dues = (await Promise.all(called)).map(({ receipt: { dueAt } }) => dueAt)
    return this.#cancelAll((await one).receipt.id, what === 'cancel id' ? undefined : dues.toSorted().at(-1))
  }

  async #schedule({ id, dueInMs, failures }: PlanStep): Promise<Copy> {
    const order = this.#order++
    const label = `${order}`
    const options = { to: { queue: this.#queue }, id: `id-${this.#queue}-${id}`, in: dueInMs }
    const receipt = await this.#world.producer.schedule(note, { n: failures, text: label }, options)
    return this.#made({ label, order, receipt, failures, isRepeated: false })
  }

  #made(copy: Copy): Copy {
    this.#copies.push(copy)
    return copy
  }

  async #repeat(copy: Copy): Promise<void> {
    copy.isRepeated = true
    const { receipt, failures, label } = copy
    const options = { to: { queue: this.#queue }, repeat: receipt }
    await this.#world.producer.schedule(note, { n: failures, text: label }, options)
  }

  #cancelOne(receipt: Receipt): Promise<void> {
    const names = ({ receipt: { revision } }: Copy) => revision === receipt.revision
    return this.#cancel(receipt, receipt, names)
  }

  /** Those that were called before. */
  #cancelAll(id: string, dueAt: string | undefined): Promise<void> {
    const order = this.#order++
    return this.#cancel({ id, dueAt }, { id, dueAt }, (copy) => copy.order < order)
  }

  async #cancel(
    target: CancelTarget,
    { id, dueAt }: { id: string; dueAt?: string | undefined },
    names: (copy: Copy) => boolean,
  ): Promise<void> {
    const askedAt = Date.now()
    const answer = await this.#world.producer.cancel(target)
    const due = dueAt === undefined ? undefined : Date.parse(dueAt)
    this.#cancellations.push({ id, names, due, answer, askedAt, answeredAt: Date.now() })
  }

  async #reschedule({ receipt: old, failures }: Copy, dueInMs: number): Promise<Copy> {
    const order = this.#order++
    const askedAt = Date.now()
    const content = { message: note, payload: { n: failures, text: `${order}` } }
    const { replaced: answer, ...receipt } = (await this.#world.producer.reschedule(old, { in: dueInMs }, content))!
    const names = (copy: Copy) => copy.receipt.revision < receipt.revision
    const due = Date.parse(old.dueAt)
    this.#cancellations.push({ id: old.id, names, due, answer, askedAt, answeredAt: Date.now() })
    return this.#made({ label: `${order}`, order, receipt, failures, isRepeated: false })
  }

  /** Of the same consumer, one after the other. */
  async #restart(i: number): Promise<void> {
    const before = this.#restarts[i] ?? Promise.resolve()
    this.#restarts[i] = before.then(async () => {
      const { mq, consumer } = this.#consumers[i]!
      await consumer.close()
      if (mq !== this.#world.producer) await mq.close()
      this.#consumers[i] = await this.#consume()
    })
    await this.#restarts[i]
  }

  /** Until all that must be handled was, and a while longer. */
  async #settled(): Promise<void> {
    const dues = this.#copies.map(({ receipt: { dueAt } }) => Date.parse(dueAt))
    await pause(Math.max(...dues, Date.now()) - Date.now())
    const isDone = () => violations(this.#copies, this.#cancellations, this.#attempts).length === 0
    await poll(isDone, { what: 'all to be handled', timeoutMs: 20_000, intervalMs: 250 }).catch(() => undefined)
    await pause(2 * BACKOFF_MS)
  }
}
