import { pace } from '../../pace.js'
import { delayedItem } from '../load.js'
import type { Cell } from './work.js'

/** A contestant that needs longer than so many times the time is stopped: it does not reach the rate. */
const LONGEST = 1.5

export interface Load {
  readonly rate: number
  readonly seconds: number
  readonly delayMs: () => number
  /** The load goes on for so long with messages that do not count, so that those that count fall due under load. */
  readonly beyondMs: number
}

export interface Loaded {
  /** Messages that count. */
  readonly counted: number
  readonly scheduled: number
  /** Schedules a second. */
  readonly reached: number
}

/** Schedules at a steady rate, one call for each message. */
export async function scheduledSteadily(
  { entrant }: Cell,
  { rate, seconds, delayMs, beyondMs }: Load,
): Promise<Loaded> {
  const counting = rate * seconds
  const count = counting + Math.round((rate * beyondMs) / 1000)
  const signal = AbortSignal.timeout((seconds * 1000 + beyondMs) * LONGEST)
  const start = performance.now()
  const { confirmMs, failures } = await pace({ rate, count, stopAtFailure: true, signal }, (n) =>
    entrant.schedule(delayedItem(n < counting ? n : -1, delayMs())),
  )
  if (failures[0]) throw failures[0].error
  const scheduled = confirmMs.length
  const reached = scheduled / ((performance.now() - start) / 1000)
  return { counted: Math.min(scheduled, counting), scheduled, reached }
}
