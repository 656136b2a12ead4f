import { setTimeout as sleep } from 'node:timers/promises'

export interface PollOptions {
  /** The awaited condition; the error message begins with it. */
  what: string
  /** @default 10_000 */
  timeoutMs?: number
  /** @default 25, or three times as long as the condition took: the awaited work needs the machine as well */
  intervalMs?: number
}

export type Truthy<T> = Exclude<T, false | 0 | 0n | '' | null | undefined>

/**
 * Asks until the condition is truthy and returns that value. An error of the condition counts as "not yet"; the last
 * one is named, as the cause too, when the time is over.
 */
export async function poll<T>(condition: () => T | Promise<T>, options: PollOptions): Promise<Truthy<T>> {
  const { what, timeoutMs = 10_000, intervalMs } = options
  const end = performance.now() + timeoutMs
  for (;;) {
    let problem: unknown
    const asked = performance.now()
    try {
      const value = await condition()
      if (value) return value as Truthy<T>
    } catch (error) {
      problem = error
    }
    const now = performance.now()
    if (now >= end) {
      const why = problem === undefined ? '' : `: ${messageOf(problem)}`
      throw new Error(`${what}: not within ${timeoutMs} ms${why}`, { cause: problem })
    }
    await sleep(intervalMs ?? Math.min(Math.max(25, 3 * (now - asked)), 500))
  }
}

function messageOf(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem)
  // Node's AggregateError (one failure for each address of a host) has an empty message.
  return problem.message || ((problem as NodeJS.ErrnoException).code ?? problem.name)
}
