import { LONGEST_TIMER_MS } from './clock.js'

/** How the time of a close is spent, in milliseconds since it began. */
export interface DrainTimes {
  /** Running handlers are told to stop. */
  readonly handlersMs: number
  /** Retries and dead messages that are not confirmed yet are left to the broker, which delivers the old copy again. */
  readonly followUpsMs: number
  /** All is over. */
  readonly wholeMs: number
}

/** For a goodbye to a broker that answers, however short the time is. */
const LEAST_GOODBYE_MS = 250

/** The last quarter of `drainTimeoutMs`, one second at most, is for confirms and goodbyes. */
export function drainTimes(drainTimeoutMs: number): DrainTimes {
  const whole = Math.min(Math.max(drainTimeoutMs, 0), LONGEST_TIMER_MS)
  const restMs = Math.min(whole / 4, 1000)
  const handlersMs = whole - restMs
  return { handlersMs, followUpsMs: handlersMs + restMs / 2, wholeMs: handlersMs + Math.max(restMs, LEAST_GOODBYE_MS) }
}
