export const TIMED_OUT = new Error('no answer in time')

/** @throws {@link LATE}, and what the work throws */
export function withTimeLimit<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(TIMED_OUT), Math.max(ms, 0))
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
