import { assertSendable } from '../amqp/topology/declare-rules.js'
import { invalidOption } from '../base/errors.js'
import type { ScheduleItem } from '../dueque.js'
import { checkDefinition, encodePayload } from '../message/definition.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { userHeaders, type Headers } from '../message/headers.js'
import { receiptOf, withReceipt, type Receipt } from '../message/receipt.js'
import type { ResolvedOptions } from '../options.js'
import type { WaitOptions } from '../strategies/strategy.js'
import type { BulkInfo } from '../telemetry.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import { BatchSender } from './batching/batch-sender.js'
import { wantsBatches } from './batching/bulk-options.js'
import type { ItemScheduling } from './bulk-runs.js'
import { cancellableWithin } from './cancellable-within.js'
import { ownHeaders, withDue } from './replacement.js'
import { checkItem, type Place } from './run-all.js'
import { assertNotAborted, resolveSchedule, type Draft, type ScheduleOptions } from './schedule-options.js'
import { checkTransaction } from './transaction-options.js'

/** What a schedule has beside its arguments. */
interface ScheduleExtras {
  /** Its place in a run of many. */
  place?: Pick<Place, 'sized'>
  /** That run. */
  bulk?: BulkInfo | undefined
  /** Makes it wait, maybe with others of that run, in the place of the strategy. */
  batches?: BatchSender | undefined
  /** Of a schedule that replaces another one: a part of a call that was taken, maybe before a close began. */
  instead?: Instead
}

/** How one schedule takes the place of another one. */
export interface Instead {
  leastRevision: number
  /** Called when the arguments are known to be right. Nothing is sent before it resolves. */
  ready: () => Promise<void>
}

/** What is scheduled: a message that still needs its body, and with which options. */
interface Scheduled {
  readonly draft: () => Draft
  readonly body: () => Uint8Array | Promise<Uint8Array>
  readonly options: Partial<ScheduleOptions>
  /** Headers that no hook of telemetry sees. */
  readonly hiddenHeaders?: Headers
}

/** Checks what is scheduled, gives it to the strategy, and counts the schedules that have no outcome yet. */
export class Scheduler {
  readonly #options: ResolvedOptions
  readonly #hooks: TelemetryHooks | undefined
  readonly #assertTakes: () => void
  /** How long before its due time a message can be cancelled for sure. */
  readonly #withinMs: number | undefined
  #underWay = 0
  #settled: (() => void) | undefined

  /** @param assertTakes throws once nothing more is scheduled */
  constructor(options: ResolvedOptions, hooks: TelemetryHooks | undefined, assertTakes: () => void) {
    this.#options = options
    this.#hooks = hooks
    this.#assertTakes = assertTakes
    this.#withinMs = cancellableWithin(options.strategy, options.cancellations.marginMs)
  }

  /** Schedules and cancellations without an outcome. */
  get underWay(): number {
    return this.#underWay
  }

  schedule<In>(item: ScheduleItem<In>, extras: ScheduleExtras = {}): Promise<Receipt> {
    const draft = () => this.#draft(item, extras)
    const body = () => encodePayload(item.message, item.payload)
    // `draft` throws for an item without options.
    const options = (item as Partial<ScheduleItem<In>> | null)?.options ?? {}
    return this.#run({ draft, body, options }, extras)
  }

  /**
   * How the items of one run are scheduled.
   *
   * @param options of `scheduleAll`
   * @throws DuequeError `INVALID_OPTION`
   */
  bulk<In, Item extends ScheduleItem<In>>(options: unknown): ItemScheduling<Item> {
    const { strategy, clock, maxBodyBytes } = this.#options
    const batches = wantsBatches(options, strategy) ? new BatchSender({ strategy, clock, maxBodyBytes }) : undefined
    const schedule = (item: Item, place: Place, bulk: BulkInfo) => this.schedule<In>(item, { place, bulk, batches })
    return { schedule, inBatches: batches !== undefined }
  }

  /**
   * Schedules a waiting message under another revision and due time, as it is otherwise.
   *
   * @param revision greater than that of the message
   */
  scheduleCopy(
    message: DelayedMessage,
    { revision, dueAt, ready }: { revision: number; dueAt: number } & Pick<Instead, 'ready'>,
  ): Promise<Receipt> {
    const copy = { ...withDue(message, dueAt), revision, scheduledAt: this.#options.clock.now() }
    const scheduled = {
      draft: () => ({ ...copy, headers: userHeaders(copy.headers) }),
      body: () => message.body,
      options: {},
      hiddenHeaders: ownHeaders(copy.headers),
    }
    return this.#run(scheduled, { instead: { leastRevision: revision, ready } })
  }

  #run(scheduled: Scheduled, extras: ScheduleExtras): Promise<Receipt> {
    if (!this.#hooks?.has('schedule')) return this.#confirm(scheduled, extras)
    let drafted: Draft
    try {
      drafted = scheduled.draft()
    } catch (error) {
      return rejected(error)
    }
    const { bulk } = extras
    const own = scheduled.hiddenHeaders
    return this.#hooks.schedule(drafted, (draft) => this.#confirm(scheduled, extras, draft), { bulk, own })
  }

  /** Other work that {@link settled} waits for. */
  async track<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++
    try {
      return await work()
    } finally {
      this.#ended()
    }
  }

  /** Resolves when all of them have an outcome. */
  async settled(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#settled = resolve))
  }

  async #confirm(scheduled: Scheduled, extras: ScheduleExtras, draft = scheduled.draft()): Promise<Receipt> {
    const { options, hiddenHeaders } = scheduled
    this.#underWay++
    try {
      const conflicts = this.#conflictOptions(options)
      const { declare = false, signal } = options
      const body = scheduled.body()
      draft.body = 'then' in body ? await body : body
      extras.place?.sized(draft.body.byteLength)
      if (extras.instead) await extras.instead.ready()
      try {
        const message = hiddenHeaders ? { ...draft, headers: { ...hiddenHeaders, ...draft.headers } } : draft
        const waits = extras.batches ?? this.#options.strategy
        const instead = await waits.schedule(message, { declare, signal, ...conflicts })
        return receiptOf(instead ?? draft, this.#withinMs)
      } catch (error) {
        throw withReceipt(error, receiptOf(draft, this.#withinMs))
      }
    } finally {
      this.#ended()
    }
  }

  #ended(): void {
    this.#underWay--
    if (this.#underWay === 0) this.#settled?.()
  }

  #draft<In>(item: ScheduleItem<In>, { instead, batches }: ScheduleExtras): Draft {
    if (!instead) this.#assertTakes()
    checkItem(item)
    const { message, options } = item
    checkDefinition(message)
    const { clock, strategy, namespace, topology } = this.#options
    const draft = resolveSchedule(options, clock.now(), strategy.limits.maxDelayMs, instead?.leastRevision)
    const { declare, signal } = options
    if (declare && batches) throw invalidOption('declare', 'false with batch: consumers declare their queues', declare)
    assertSendable(draft.destination, declare, { namespace, topology })
    assertNotAborted(signal)
    draft.name = message.name
    draft.version = message.version
    return draft
  }

  /** The options that only some strategies have. */
  #conflictOptions(options: Partial<WaitOptions | ScheduleOptions>): Pick<WaitOptions, 'onConflict' | 'transaction'> {
    const { onConflict, transaction } = options as WaitOptions
    const { strategy } = this.#options
    const { name, waitlist } = strategy
    if (onConflict !== undefined) {
      if (!waitlist) throw invalidOption('onConflict', `none with ${name}: RabbitMQ cannot lock an id`, onConflict)
      if (!['ignore', 'replace', 'error'].includes(onConflict))
        throw invalidOption('onConflict', "'ignore', 'replace' or 'error'", onConflict)
    }
    checkTransaction(strategy, transaction)
    return { onConflict, transaction }
  }
}

/** As an async function rejects, without one for each message. */
function rejected(error: unknown): Promise<never> {
  return new Promise((_, reject) => {
    reject(error)
  })
}
