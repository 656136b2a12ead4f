import { systemClock, type Clock } from '../../src/base/clock.js'
import { spendModules } from './spent-modules.js'

/** The clock of another machine, which goes on and can be set. */
export interface SettableClock extends Clock {
  /** Sets how far it is ahead of the true time. */
  set(aheadMs: number): void
}

export function settableClock(aheadMs = 0): SettableClock {
  const listeners = new Set<(ms: number) => void>()
  spendModules()
  return {
    ...systemClock,
    now: () => Date.now() + aheadMs,
    at(time, callback) {
      let cancel = systemClock.at(time - aheadMs, callback)
      listeners.add(again)
      function again() {
        cancel()
        cancel = systemClock.at(time - aheadMs, callback)
      }
      return () => {
        listeners.delete(again)
        cancel()
      }
    },
    onStep(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set(ms) {
      const byMs = ms - aheadMs
      aheadMs = ms
      for (const listener of [...listeners]) listener(byMs)
    },
  }
}
