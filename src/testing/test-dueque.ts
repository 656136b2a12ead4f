import { aFunction, anything, checkOptions, oneOf, type Rules } from '../base/checks.js'
import { connect } from '../connect.js'
import type { Dueque, StrategyMethods } from '../dueque.js'
import { aJournal, type JournalOn, type JournalOptions } from '../journal/journal-options.js'
import { batchQueue } from '../message/batch.js'
import { checkQueueName } from '../message/destination.js'
import { parseInstant, type Due } from '../message/due.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import type { Arrived } from '../message/envelope.js'
import type { ConnectOptions } from '../options.js'
import type { RecurringSchedule } from '../recurring/recurring.js'
import { manualClock, type ManualClock } from '../strategies/memory/manual-clock.js'
import type { MemoryBroker } from '../strategies/memory/memory-broker.js'
import {
  memory,
  type InMemory,
  type MemoryJournalStrategy,
  type MemoryLogStrategy,
  type MemoryStrategy,
} from '../strategies/memory/memory.js'
import { Activity } from './activity.js'
import { Delivered } from './delivered.js'
import { recording } from './recording.js'
import {
  seenDead,
  seenParked,
  seenPending,
  seenQueued,
  seenRecurring,
  seenScheduled,
  type DeadMessage,
  type DeliveredMessage,
  type ParkedMessage,
  type PendingMessage,
  type QueuedMessage,
  type ScheduledMessage,
} from './seen.js'
import { testClock, type TestClock } from './test-clock.js'

export interface TestDuequeOptions {
  /** The time at first: a `Date`, an ISO 8601 string with a zone, or `{ epochMilliseconds }`. @default now */
  now?: Due['at'] | undefined
  /**
   * Queues that exist already. Another one has to be declared, as in production: by `consume`, by `declare: true`, or by
   * `broker.declareQueue`.
   * @default []
   */
  queues?: readonly string[] | undefined
  /**
   * Milliseconds of real time that a move of the clock waits without anything beginning or ending, before it fails with
   * `CLOCK_STUCK`.
   * @default 2000
   */
  patienceMs?: number | undefined
  /**
   * Called with the time whenever it changes, at first too, so that `Date` can go along: `vi.setSystemTime`,
   * `jest.setSystemTime` or `mock.timers.setTime`.
   */
  setSystemTime?: ((now: number) => void) | undefined
  /**
   * How messages are cancelled, as the option of `memory`. `exact`: as with the strategies that have a store. `log`: as with
   * `ladder` and `plugin`, with their answers. Test with that of your production.
   * @default 'exact'
   */
  cancellations?: 'exact' | 'log' | undefined
  /**
   * Only with `cancellations: 'log'`: waiting messages are seen as with the same journal of `ladder` and `plugin`. Give it that of
   * your production.
   * @default false
   */
  journal?: boolean | JournalOptions | undefined
  /** Where dueque writes what operators need to know, as the option of `connect`. @default false */
  logger?: ConnectOptions['logger']
}

const TEST_RULES: Rules<TestDuequeOptions> = {
  now: anything,
  queues: (value) => (Array.isArray(value) ? undefined : 'a list of names'),
  patienceMs: (value) => (Number.isFinite(value) && Number(value) >= 0 ? undefined : 'milliseconds'),
  setSystemTime: aFunction,
  cancellations: oneOf('exact', 'log'),
  journal: aJournal,
  logger: anything,
}

/** Made by {@link testDueque}. None of its functions needs a `this`: take it apart as you like. */
export interface TestDueque<S extends InMemory = MemoryStrategy> extends AsyncDisposable {
  /** For the code under test. */
  readonly mq: Dueque<S> & StrategyMethods<S>
  readonly clock: TestClock
  /** Another connection to the same broker, as another process has. The options for RabbitMQ do nothing. */
  readonly connect: (options?: ConnectOptions) => Promise<Dueque<S> & StrategyMethods<S>>
  /** Declares, binds and deletes queues and exchanges, and redrives parked messages. */
  readonly broker: MemoryBroker
  /** All scheduled messages, the oldest first, without retries. */
  readonly scheduled: () => ScheduledMessage[]
  /** Messages to be delivered later, retries too, in that order. Not those that are cancelled. */
  readonly waiting: () => PendingMessage[]
  /** The recurring messages that are set, by id. */
  readonly recurring: () => RecurringSchedule[]
  /** Messages that no consumer has taken, in order; of all queues but dead ones, or of one queue. */
  readonly queued: (queue?: string) => QueuedMessage[]
  /** All calls of handlers, the first first; of all queues or one. */
  readonly delivered: (queue?: string) => DeliveredMessage[]
  /** Messages that consumers gave up, with the reason; of all queues or one. */
  readonly dead: (queue?: string) => DeadMessage[]
  /** Due messages without a destination. */
  readonly parked: () => ParkedMessage[]
  /** Closes every connection. Without it nothing keeps running either. */
  readonly close: () => Promise<void>
}

/**
 * dueque without a broker, for tests: messages wait in memory, by a clock that stands still until the test moves it.
 * Everything else is what runs in production.
 *
 * @throws DuequeError `INVALID_DUE`, `INVALID_OPTION`, `RESERVED_NAME`, `NAME_TOO_LONG`
 * @example
 * const { mq, clock, waiting } = await testDueque({ now: '2026-11-23T09:00:00Z', queues: ['reminders'] })
 * await mq.consume('reminders', [on(reminder, handler)])
 * await bookAppointment(mq)
 * expect(waiting()).toMatchObject([{ name: 'appointment.reminder', payload: { patient: 'p-7' } }])
 * await clock.advance('24h')
 * expect(handler).toHaveBeenCalledOnce()
 */
export function testDueque(
  options: TestDuequeOptions & { cancellations: 'log'; journal: JournalOn },
): Promise<TestDueque<MemoryJournalStrategy>>
export function testDueque(
  options: TestDuequeOptions & { cancellations: 'log' },
): Promise<TestDueque<MemoryLogStrategy>>
export function testDueque(options?: TestDuequeOptions): Promise<TestDueque>
export async function testDueque(options: TestDuequeOptions = {}): Promise<TestDueque | TestDueque<MemoryLogStrategy>> {
  checkOptions(options, TEST_RULES)
  const { now, cancellations, journal } = options
  const clock = manualClock(now === undefined ? undefined : parseInstant(now, 'now'))
  return cancellations === 'log'
    ? open(memory({ clock, cancellations, journal }), options, clock)
    : open(memory({ clock, cancellations, journal }), options, clock)
}

async function open<S extends InMemory>(
  strategy: S,
  options: TestDuequeOptions,
  inner: ManualClock,
): Promise<TestDueque<S>> {
  const { queues = [], patienceMs = 2000, setSystemTime = () => undefined, logger = false } = options
  const { broker } = strategy
  for (const queue of queues) broker.declareQueue(checkQueueName('queues', queue))
  const delivered = new Delivered(inner)
  const activity = new Activity((call) => delivered.add(call))
  const scheduled: DelayedMessage[] = []
  const connections = connectionsTo(strategy, activity, scheduled, logger)
  const close = () => {
    const closed = connections.close(patienceMs).then(() => strategy.stop())
    // In a handler it rejects, and need not be awaited.
    closed.catch(() => undefined)
    return closed
  }
  setSystemTime(inner.now())
  return {
    mq: await connections.open(),
    clock: testClock({ clock: inner, activity, patienceMs, setSystemTime }),
    connect: connections.open,
    broker,
    scheduled: () => scheduled.map(seenScheduled),
    waiting: () => [...strategy.waiting()].sort(inTurn).map(seenPending),
    recurring: () => seenRecurring(strategy, inner.now()),
    queued: (queue) => look(broker, queue, '', seenQueued),
    delivered: (queue) => {
      assertThere(broker, queue)
      return delivered.list(queue)
    },
    dead: (queue) => look(broker, queue, DEAD, (name, arrived) => [seenDead(name, arrived)]),
    parked: () => broker.parked().flatMap(seenParked),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function connectionsTo<S extends InMemory>(
  strategy: S,
  activity: Activity,
  scheduled: DelayedMessage[],
  logger: ConnectOptions['logger'],
) {
  const opened: Dueque[] = []
  return {
    open: async (given: ConnectOptions = {}) => {
      const options = { logger, ...given }
      const telemetry = [activity.telemetry, ...[given.telemetry ?? []].flat()]
      const mq = await connect<S>({ ...options, strategy: recording(strategy, scheduled), telemetry })
      opened.push(mq)
      return mq
    },
    close: (drainTimeoutMs: number) => Promise.all(opened.map((mq) => mq.close({ drainTimeoutMs }))),
  }
}

const DEAD = '.dead'

/** By the time of delivery, and at the same time by the order of scheduling. */
function inTurn(a: DelayedMessage, b: DelayedMessage): number {
  return readyAt(a) - readyAt(b) || a.scheduledAt - b.scheduledAt || a.revision - b.revision
}

/** The messages of the queue with this name and suffix, or of all such queues. */
function look<T>(
  broker: MemoryBroker,
  queue: string | undefined,
  suffix: '' | '.dead',
  see: (queue: string, arrived: Arrived) => T[],
): T[] {
  assertThere(broker, queue)
  const all = broker.queues().filter((name) => name.endsWith(DEAD) === (suffix === DEAD))
  const own = (name: string) => name.slice(0, name.length - suffix.length)
  const names = queue === undefined ? all.map(own) : suffix === DEAD ? [queue] : [queue, batchQueue(queue)]
  return names.flatMap((name) => broker.messages(`${name}${suffix}`).flatMap((arrived) => see(name, arrived)))
}

/** A queue with a wrong name would seem empty. */
function assertThere(broker: MemoryBroker, queue: string | undefined): void {
  if (queue === undefined || broker.queues().some((name) => name === queue || name === `${queue}${DEAD}`)) return
  broker.ensure({ queue }, false)
}
