import { setTimeout as pause } from 'node:timers/promises'
import { isDuequeError } from '../../base/errors.js'
import type { Dueque } from '../../dueque.js'
import type { Lateness } from '../../operate/watch/lateness.js'
import { Exporters, secondsOf } from '../../operate/watch/exporters.js'
import { watchStatus, type StatusLook, type WatchOptions } from '../../operate/watch/watch-status.js'
import { Window, WINDOW_MS } from '../../operate/watch/window.js'

/** How often a broker or a process is looked at. */
const EVERY_MS = 2000
/** A rate needs some time. */
const LEAST_MS = 1000

/** One look at a process without a broker: its messages are in memory. */
export interface MemoryLook {
  readonly at: Date
  /** Attempts in its handlers, a minute. */
  readonly delivered: number | null
  readonly lateness: Lateness | null
  readonly error?: undefined
  readonly report?: undefined
}

export type Look = StatusLook | MemoryLook

/** Looks at a broker again and again, also while it is away from the start. */
export async function* brokerLooks(options: WatchOptions, signal: AbortSignal): AsyncGenerator<Look, void> {
  while (!signal.aborted) {
    try {
      yield* watchStatus({ ...options, everyMs: EVERY_MS, signal })
    } catch (error) {
      if (!isDuequeError(error)) throw error
      yield { at: new Date(), error }
    }
    await untilNext(signal)
  }
}

/** Looks at the consumers of this process. */
export async function* memoryLooks(
  mq: Pick<Dueque, 'on'>,
  metrics: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Look, void> {
  const attempts = new Window<true>()
  const count = () => attempts.add(performance.now(), true)
  const offs = (['handled', 'retried', 'dead'] as const).map((event) => mq.on(event, count))
  const exporters = metrics.length > 0 ? new Exporters(metrics) : undefined
  const startedAt = performance.now()
  try {
    while (!signal.aborted) {
      const lateness = (await exporters?.look())?.lateness ?? null
      const now = performance.now()
      const ms = Math.min(now - startedAt, WINDOW_MS)
      const delivered = ms < LEAST_MS ? null : Math.round((attempts.values(now).length * 60) / secondsOf(ms))
      yield { at: new Date(), delivered, lateness }
      await untilNext(signal)
    }
  } finally {
    for (const off of offs) off()
  }
}

async function untilNext(signal: AbortSignal): Promise<void> {
  await pause(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined)
}
