import { checkOptions, oneOf, type Rule, type Rules } from '../../base/checks.js'
import { completeClock, systemClock, type Clock, type Timeline } from '../../base/clock.js'
import { DueQueue } from '../../base/due-queue.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { aborted, invalidOption } from '../../base/errors.js'
import { aJournal, resolveJournal, type JournalOn, type JournalOptions } from '../../journal/journal-options.js'
import { MAX_DELAY_MS } from '../../message/due.js'
import type { Cancellations } from '../cancellations.js'
import type { Strategy } from '../strategy.js'
import type { WaitingView } from '../waiting-view.js'
import { MemoryBroker } from './memory-broker.js'
import { MemoryCancellations } from './memory-cancellations.js'
import { MemoryDefinitions } from './memory-definitions.js'
import { MemoryJournal } from './memory-journal.js'
import { MemoryWaitlist } from './memory-waitlist.js'

export interface MemoryOptions {
  /** A clock that a test can move: see `manualClock`. One without a `monotonic` time is never set. @default the system's */
  clock?: Timeline | Clock | undefined
  /**
   * How messages are cancelled. `exact`: waiting messages can be looked up and taken back, as with `redis` and `postgres`. `log`:
   * they cannot, as with `ladder` and `plugin`: consumers drop the messages that a record names, and the answers count the
   * margin. A record is remembered for at least a day after its due time.
   * @default 'exact'
   */
  cancellations?: 'exact' | 'log' | undefined
  /**
   * Only with `cancellations: 'log'`, which cannot look up waiting messages otherwise: they are seen as with `ladder` and `plugin`
   * with the same journal. `index` changes nothing here.
   * @default false
   */
  journal?: boolean | JournalOptions | undefined
}

const aClock: Rule = (value) => {
  const { now, at } = Object(value) as Partial<Timeline>
  return typeof now === 'function' && typeof at === 'function' ? undefined : 'a clock, such as manualClock()'
}

/** For a message whose destination was there when it was scheduled. */
const ACCEPTED = { declare: false, bind: false }

const MEMORY_RULES: Rules<MemoryOptions> = {
  clock: aClock,
  cancellations: oneOf('exact', 'log'),
  journal: aJournal,
}

/** Messages that wait in the process. */
export interface InMemory extends Strategy {
  readonly broker: MemoryBroker
  readonly clock: Clock
  readonly definitions: MemoryDefinitions
  /** The waiting messages, in no order, without cancelled ones. */
  waiting(): readonly DelayedMessage[]
}

/** It answers as a store does. */
export interface MemoryStrategy extends InMemory {
  readonly waitlist: MemoryWaitlist
}

/** It answers as `ladder` and `plugin` do. */
export interface MemoryLogStrategy extends InMemory {
  readonly cancellations: Cancellations & Required<Pick<Cancellations, 'isCancelled'>>
}

/** It answers as `ladder` and `plugin` with a journal do. */
export interface MemoryJournalStrategy extends MemoryLogStrategy {
  readonly journal: WaitingView
}

/**
 * Messages wait in the process and are delivered in it, without RabbitMQ: for tests, and the reference for what every other
 * strategy must do. Nothing survives the process.
 *
 * @example
 * const mq = await connect({ strategy: memory() }) // answers as a store does
 * @example
 * const mq = await connect({ strategy: memory({ cancellations: 'log' }) }) // answers as the ladder does
 * @example
 * const mq = await connect({ strategy: memory({ cancellations: 'log', journal: true }) }) // as the ladder with a journal does
 */
export function memory(options: MemoryOptions & { cancellations: 'log'; journal: JournalOn }): MemoryJournalStrategy
export function memory(options: MemoryOptions & { cancellations: 'log' }): MemoryLogStrategy
export function memory(options?: MemoryOptions & { cancellations?: 'exact' | undefined }): MemoryStrategy
export function memory(options: MemoryOptions = {}): MemoryStrategy | MemoryLogStrategy {
  checkOptions(options, MEMORY_RULES)
  const clock = completeClock(options.clock ?? systemClock)
  const { waitlist, items, ...strategy } = inMemory(clock)
  const resolved = resolveJournal(options.journal)
  if (options.cancellations !== 'log') {
    if (resolved) throw invalidOption('journal', "none without cancellations: 'log'", options.journal)
    return { ...strategy, waitlist, waiting: () => waitlist.users() }
  }
  const cancellations = new MemoryCancellations(clock)
  const waiting = () =>
    waitlist
      .users()
      .flatMap((message) => items.get(message) ?? [message])
      .filter((message) => !cancellations.isCancelled(message))
  const logged: MemoryLogStrategy = { ...strategy, cancellations, waiting }
  return resolved ? withJournal(logged, new MemoryJournal(resolved, clock, waiting)) : logged
}

function withJournal(strategy: MemoryLogStrategy, journal: MemoryJournal): MemoryJournalStrategy {
  return {
    ...strategy,
    journal: journal.view,
    schedule(message, options) {
      for (const one of options.items ?? [message]) journal.note(one)
      return strategy.schedule(message, options)
    },
  }
}

/** What both forms have in common, and the waiting messages. */
interface Core extends Omit<MemoryStrategy, 'waiting'> {
  /** The messages inside the batches that wait. */
  readonly items: WeakMap<DelayedMessage, readonly DelayedMessage[]>
}

function inMemory(clock: Clock): Core {
  const broker = new MemoryBroker()
  const definitions = new MemoryDefinitions(clock)
  const batches: Core['items'] = new WeakMap()
  const queue = new DueQueue<DelayedMessage>(clock, (message) => {
    // What was cancelled or rescheduled meanwhile is not there as it was.
    if (waitlist.take(message)) void broker.deliver(message, ACCEPTED)
  })
  const waitlist = new MemoryWaitlist((message) => queue.add(message, readyAt(message)))
  return {
    name: 'memory',
    limits: { maxDelayMs: MAX_DELAY_MS, orderMs: 0, leadMs: 0 },
    broker,
    clock,
    definitions,
    waitlist,
    items: batches,
    start: () => Promise.resolve(),
    async schedule(message, { declare, signal, onConflict, items }) {
      if (signal?.aborted) throw aborted(signal)
      broker.ensure(message.destination, declare)
      if (items) batches.set(message, items)
      if (onConflict === undefined && readyAt(message) <= clock.now()) return broker.deliver(message, ACCEPTED)
      return Promise.resolve(waitlist.add(message, onConflict))
    },
    stop() {
      queue.clear()
      waitlist.clear()
      definitions.clear()
      return Promise.resolve()
    },
  }
}
