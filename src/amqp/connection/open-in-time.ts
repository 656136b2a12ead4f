import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../../base/backoff.js'
import type { Broker } from '../../broker.js'
import type { Clock } from '../../base/clock.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'

export interface OpenSettings {
  /** For how long no broker that can be reached is waited for. */
  waitMs: number
  signal?: AbortSignal | undefined
  clock: Pick<Clock, 'monotonic'>
  logger: Logger
}

/**
 * Opens a broker, and waits for one that starts later.
 *
 * @throws DuequeError `UNREACHABLE` with `waitedMs`, `ABORTED`, and at once what no waiting mends
 */
export async function openInTime(broker: Broker, { waitMs, signal, clock, logger }: OpenSettings): Promise<void> {
  const start = clock.monotonic()
  for (let attempt = 0; ; attempt++) {
    try {
      return await abortable(broker.open(), signal)
    } catch (error) {
      const waitedMs = Math.round(clock.monotonic() - start)
      if (!isDuequeError(error, 'UNREACHABLE') || waitMs === 0) throw error
      if (waitedMs >= waitMs) throw waitedInVain(error, waitedMs)
      if (attempt === 0) logger.warn('no broker yet: waiting for it', { waitMs, error: error.message })
      const pauseMs = Math.min(backoff(attempt, { baseMs: 200, maxMs: 2000 }), waitMs - waitedMs)
      await abortable(pause(pauseMs, undefined, signal && { signal }), signal)
    }
  }
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  let abort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      const reason = signal.reason as unknown
      reject(new DuequeError('ABORTED', 'connect was aborted by the signal', { reason }, { cause: reason }))
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([aborted, work])
  } finally {
    signal.removeEventListener('abort', abort!)
    work.catch(() => undefined)
  }
}

function waitedInVain({ message, data, cause }: DuequeError<'UNREACHABLE'>, waitedMs: number): DuequeError {
  const text = `no broker within ${waitedMs} ms (option: waitMs): ${message}`
  return new DuequeError('UNREACHABLE', text, { ...data, waitedMs }, { cause })
}
