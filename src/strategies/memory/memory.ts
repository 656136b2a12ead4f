import { checkOptions, type Rule, type Rules } from '../../base/checks.js'
import { completeClock, systemClock, type Clock, type Timeline } from '../../base/clock.js'
import { DueQueue } from '../../base/due-queue.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { DuequeError } from '../../base/errors.js'
import { MAX_DELAY_MS } from '../../message/due.js'
import type { Strategy } from '../strategy.js'
import { MemoryBroker } from './memory-broker.js'
import { MemoryWaitlist } from './memory-waitlist.js'

export interface MemoryOptions {
  /** A clock that a test can move: see `manualClock`. One without a `monotonic` time is never set. @default the system's */
  clock?: Timeline | Clock | undefined
}

const aClock: Rule = (value) => {
  const { now, at } = Object(value) as Partial<Timeline>
  return typeof now === 'function' && typeof at === 'function' ? undefined : 'a clock, such as manualClock()'
}

/** For a message whose destination was there when it was scheduled. */
const ACCEPTED = { declare: false, bind: false }

const MEMORY_RULES: Rules<MemoryOptions> = { clock: aClock }

export interface MemoryStrategy extends Strategy {
  readonly broker: MemoryBroker
  readonly clock: Clock
  readonly waitlist: MemoryWaitlist
  /** The waiting messages, in no order. */
  waiting(): readonly DelayedMessage[]
}

/**
 * Messages wait in the process and are delivered in it, without RabbitMQ: for tests, and the reference for what every other
 * strategy must do. Nothing survives the process.
 */
export function memory(options: MemoryOptions = {}): MemoryStrategy {
  checkOptions(options, MEMORY_RULES)
  const clock = completeClock(options.clock ?? systemClock)
  const broker = new MemoryBroker()
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
    waitlist,
    waiting: () => waitlist.all(),
    start: () => Promise.resolve(),
    async schedule(message, { declare, signal, onConflict }) {
      if (signal?.aborted)
        throw new DuequeError('ABORTED', 'aborted by the signal', { reason: signal.reason as unknown })
      broker.ensure(message.destination, declare)
      if (onConflict === undefined && readyAt(message) <= clock.now()) return broker.deliver(message, ACCEPTED)
      return Promise.resolve(waitlist.add(message, onConflict))
    },
    stop() {
      queue.clear()
      waitlist.clear()
      return Promise.resolve()
    },
  }
}
