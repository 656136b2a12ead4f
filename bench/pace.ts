import { setTimeout as sleep } from 'node:timers/promises'

export interface Paced {
  seconds: number
  /** Of each successful call: the time until its confirm. */
  confirmMs: number[]
  failures: { n: number; error: Error }[]
}

export interface Pace {
  /** Per second. */
  rate: number
  count: number
  /** Starts no more calls after the first failure. */
  stopAtFailure: boolean
  /** Starts no more calls once it is aborted. */
  signal?: AbortSignal
}

const BATCH_MS = 5

/** Starts calls at a steady rate, a few every few milliseconds; resolves when all of them are settled. */
export async function pace(
  { rate, count, stopAtFailure, signal }: Pace,
  schedule: (n: number) => Promise<unknown>,
): Promise<Paced> {
  const confirmMs: number[] = []
  const failures: Paced['failures'] = []
  const pending = new Set<Promise<unknown>>()
  const one = async (n: number) => {
    const before = performance.now()
    try {
      await schedule(n)
      confirmMs.push(performance.now() - before)
    } catch (error) {
      failures.push({ n, error: error as Error })
    }
  }
  const start = performance.now()
  const isOver = () => signal?.aborted === true || (stopAtFailure && failures.length > 0)
  for (let sent = 0; sent < count && !isOver();) {
    const dueNow = Math.min(count, Math.floor(((performance.now() - start) * rate) / 1000))
    while (sent < dueNow) {
      const running: Promise<unknown> = one(sent++).finally(() => pending.delete(running))
      pending.add(running)
    }
    await sleep(BATCH_MS)
  }
  const seconds = (performance.now() - start) / 1000
  await Promise.all(pending)
  return { seconds, confirmMs, failures }
}
