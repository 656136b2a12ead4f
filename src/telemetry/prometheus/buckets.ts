import type { Rule, Rules } from '../../base/checks.js'

/** Upper bounds of histograms, in seconds, in ascending order. */
export interface PrometheusBuckets {
  /** Of `dueque_message_lateness_seconds`. @default 1 ms to an hour, in 17 steps */
  lateness?: readonly number[] | undefined
  /** Of `dueque_handler_duration_seconds`. @default 5 ms to 5 minutes, in 12 steps */
  handler?: readonly number[] | undefined
  /** Of `dueque_schedule_duration_seconds`. @default 1 ms to 30 s, in 12 steps */
  schedule?: readonly number[] | undefined
}

export type ResolvedBuckets = Record<keyof PrometheusBuckets, readonly number[]>

/** Lateness is a few milliseconds on a good day, and minutes after an outage. */
const DEFAULTS: ResolvedBuckets = {
  lateness: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600],
  handler: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300],
  schedule: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
}

const bounds: Rule = (value) => {
  const all = Array.isArray(value) ? (value as unknown[]) : []
  const isRising = all.every((bound, i) => Number.isFinite(bound) && (i === 0 || Number(bound) > Number(all[i - 1])))
  return all.length > 0 && isRising ? undefined : 'numbers of seconds, each greater than the one before'
}

export const BUCKET_RULES: Rules<PrometheusBuckets> = { lateness: bounds, handler: bounds, schedule: bounds }

export function resolveBuckets({ lateness, handler, schedule }: PrometheusBuckets = {}): ResolvedBuckets {
  return {
    lateness: lateness ?? DEFAULTS.lateness,
    handler: handler ?? DEFAULTS.handler,
    schedule: schedule ?? DEFAULTS.schedule,
  }
}
