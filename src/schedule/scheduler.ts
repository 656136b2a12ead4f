import { MAX_BYTES_IN_FLIGHT } from '../amqp/publish/in-flight.js'
import { assertDeclares, assertNoDeadQueue } from '../amqp/topology/declare-rules.js'
import { assertOutside } from '../amqp/topology/reserved-names.js'
import { DuequeError, invalidOption } from '../base/errors.js'
import type { ScheduleItem } from '../dueque.js'
import { checkDefinition, encodePayload } from '../message/definition.js'
import { receiptOf, withReceipt, type Receipt } from '../message/receipt.js'
import type { ResolvedOptions } from '../options.js'
import type { WaitOptions } from '../strategies/strategy.js'
import { runSchedule } from '../telemetry.js'
import { checkItem, checkItems, scheduleAll, type Place } from './schedule-all.js'
import { resolveSchedule, type ScheduleOptions } from './schedule-options.js'
import { LazyRun, UnusedRuns, type ScheduleRun } from './schedule-run.js'

type Draft = ReturnType<typeof resolveSchedule>

/** Checks what is scheduled, gives it to the strategy, and counts the schedules that have no outcome yet. */
export class Scheduler {
  readonly #options: ResolvedOptions
  readonly #assertTakes: () => void
  readonly #unused: UnusedRuns
  #underWay = 0
  #settled: (() => void) | undefined

  /** @param assertTakes throws once nothing more is scheduled */
  constructor(options: ResolvedOptions, assertTakes: () => void) {
    this.#options = options
    this.#assertTakes = assertTakes
    this.#unused = new UnusedRuns(options.logger)
  }

  /** Schedules without an outcome. */
  get underWay(): number {
    return this.#underWay
  }

  schedule<In>(item: ScheduleItem<In>, place?: Pick<Place, 'sized'>): Promise<Receipt> {
    const { telemetry, logger } = this.#options
    if (!telemetry?.schedule) return this.#confirm(item, place)
    return runSchedule(
      telemetry,
      () => this.#draft(item),
      (draft) => this.#confirm(item, place, draft),
      logger,
    )
  }

  scheduleAll<In, Item extends ScheduleItem<In>>(items: Iterable<Item> | AsyncIterable<Item>): ScheduleRun<Item> {
    const { maxInFlight, maxBodyBytes, logger } = this.#options
    checkItems(items)
    const window = {
      messages: maxInFlight,
      bytes: MAX_BYTES_IN_FLIGHT,
      bodyBytes: Math.min(maxBodyBytes, MAX_BYTES_IN_FLIGHT / 4),
    }
    const results = scheduleAll(items, (item, place) => this.schedule<In>(item, place), window)
    return new LazyRun(results, this.#unused.watch(), logger)
  }

  /** Warns of runs of `scheduleAll` that were not used: the process may end. */
  warnOfUnused(): void {
    this.#unused.warnNow()
  }

  /** Resolves when every schedule has an outcome. */
  async settled(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#settled = resolve))
  }

  async #confirm<In>(
    item: ScheduleItem<In>,
    place?: Pick<Place, 'sized'>,
    draft = this.#draft(item),
  ): Promise<Receipt> {
    const { message, payload, options } = item
    this.#underWay++
    try {
      const conflicts = this.#conflictOptions(options)
      const { declare = false, signal } = options
      const body = encodePayload(message, payload)
      draft.body = 'then' in body ? await body : body
      place?.sized(draft.body.byteLength)
      try {
        const instead = await this.#options.strategy.schedule(draft, { declare, signal, ...conflicts })
        return receiptOf(instead ?? draft)
      } catch (error) {
        throw withReceipt(error, receiptOf(draft))
      }
    } finally {
      this.#underWay--
      if (this.#underWay === 0) this.#settled?.()
    }
  }

  #draft<In>(item: ScheduleItem<In>): Draft {
    this.#assertTakes()
    checkItem(item)
    const { message, options } = item
    checkDefinition(message)
    const { clock, strategy, namespace, topology } = this.#options
    const draft = resolveSchedule(options, clock.now(), strategy.limits.maxDelayMs)
    const { declare, signal } = options
    assertOutside(draft.destination, namespace)
    if (declare) assertDeclares(topology)
    if (declare && draft.destination.queue !== undefined) assertNoDeadQueue(draft.destination.queue)
    if (signal?.aborted) throw new DuequeError('ABORTED', 'aborted by the signal', { reason: signal.reason as unknown })
    draft.name = message.name
    draft.version = message.version
    return draft
  }

  /** The options that only some strategies have. */
  #conflictOptions(options: WaitOptions | ScheduleOptions): Pick<WaitOptions, 'onConflict' | 'transaction'> {
    const { onConflict, transaction } = options as WaitOptions
    const { strategy } = this.#options
    const { name, waitlist } = strategy
    if (onConflict !== undefined) {
      if (!waitlist)
        throw invalidOption('onConflict', `none with ${name}, which cannot look up waiting messages`, onConflict)
      if (!['ignore', 'replace', 'error'].includes(onConflict))
        throw invalidOption('onConflict', "'ignore', 'replace' or 'error'", onConflict)
    }
    if (transaction !== undefined) {
      if (!strategy.checkTransaction)
        throw invalidOption('transaction', `none with ${name}, which has no transactions`, transaction)
      strategy.checkTransaction(transaction as never)
    }
    return { onConflict, transaction }
  }
}
