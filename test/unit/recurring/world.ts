import { onTestFinished } from 'vitest'
import { manualClock, memory, type DelayedMessage, type DuequeError, type WaitOptions } from '../../../src/index.js'
import { resolveLogger } from '../../../src/base/logger.js'
import type { RecurringDefinition } from '../../../src/recurring/definition.js'
import { encodeDefinition } from '../../../src/recurring/definition.js'
import { HandledTimes } from '../../../src/recurring/handled-times.js'
import { OccurrenceSender } from '../../../src/recurring/occurrence-sender.js'
import { Standstill } from '../../../src/recurring/standstill.js'
import { TickHandling } from '../../../src/recurring/tick-handling.js'
import type { DefinitionRecord, RecurringDefinitions } from '../../../src/strategies/recurring-definitions.js'

export const START = Date.UTC(2026, 0, 1)
export const HOUR = 3_600_000
export const TICKS = 'dueque.v1.ticks'

/** Long enough for everything that needs no timer. */
export const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

/** Definitions in a map. */
export function definitionsOf(...given: readonly RecurringDefinition[]) {
  const records = new Map<string, DefinitionRecord>()
  const definitions: RecurringDefinitions = {
    write(record) {
      const before = records.get(record.id)
      records.set(record.id, record)
      return Promise.resolve(before)
    },
    get: (id) => Promise.resolve(records.get(id)),
    page: () => Promise.resolve({ records: [...records.values()], next: undefined }),
    async *all() {
      yield* await Promise.resolve([...records.values()])
    },
  }
  for (const definition of given) records.set(definition.id, encodeDefinition(definition))
  return { definitions, records }
}

/** The handling of ticks over memory, with all that it schedules. @param before called before each schedule: may fail it */
export function handlingWorld(
  given: readonly RecurringDefinition[],
  before: (message: DelayedMessage, options: WaitOptions) => void = () => undefined,
) {
  const clock = manualClock(START)
  const logger = resolveLogger(false)
  const inner = memory({ clock })
  for (const queue of [TICKS, 'reports']) inner.broker.declareQueue(queue)
  const scheduled: DelayedMessage[] = []
  const strategy: typeof inner = {
    ...inner,
    async schedule(message, options) {
      before(message, options)
      await inner.schedule(message, options)
      scheduled.push(message)
    },
  }
  const { definitions, records } = definitionsOf(...given)
  const errors: DuequeError[] = []
  const onError = (error: DuequeError) => errors.push(error)
  const [closing, abandon] = [new AbortController(), new AbortController()]
  const handled = new HandledTimes()
  const route = { strategy, queue: TICKS, now: () => clock.now() }
  const occurrences = new OccurrenceSender({ strategy, clock, logger, hooks: undefined, onError })
  const steppedBack: unknown[] = []
  let tookOverAt = -Infinity
  const stepBack = (error: unknown) => {
    steppedBack.push(error)
    standstill.steppedBack()
  }
  const standstill: Standstill = new Standstill({ clock, patienceMs: 60_000, stepBack })
  const handling = new TickHandling({
    ...{ strategy, definitions, route, occurrences, handled, standstill, clock, logger, onError },
    ...{ closing: closing.signal, abandon: abandon.signal, tookOverAt: () => tookOverAt },
  })
  onTestFinished(() => closing.abort())
  /** Ids of what was scheduled, each once it is. */
  const ids = () => scheduled.map(({ id }) => id)
  return {
    clock,
    strategy,
    scheduled,
    ids,
    records,
    definitions,
    errors,
    closing,
    abandon,
    handled,
    route,
    handling,
    logger,
    /** Another ticker was the active one until now. */
    takeOver: () => (tookOverAt = clock.now()),
    /** The error each time that the ticker was to step back. */
    steppedBack,
  }
}
