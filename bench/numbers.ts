export interface Spread {
  p50: number
  p90: number
  p99: number
  'p99.9': number
  max: number
}

/** NaN for nothing. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), 'p99.9': at(0.999), max: at(1) }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return Number.isInteger(half) ? (sorted[half - 1]! + sorted[half]!) / 2 : sorted[Math.floor(half)]!
}

export const MIB = 1024 * 1024

export interface Timed {
  /** Per second. */
  rate: number
  /** Of this process, per message. */
  cpuMicros: number
  seconds: number
}

/** Runs something that handles `count` messages. */
export async function timed(count: number, run: () => Promise<void>): Promise<Timed> {
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  await run()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  return { rate: count / seconds, cpuMicros: (user + system) / count, seconds }
}
