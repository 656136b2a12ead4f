export const TIMED_OUT = new Error('no answer in time')

/** @throws {@link TIMED_OUT}, and the errors of the work */
export function withTimeLimit<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(TIMED_OUT), Math.max(ms, 0))
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Whether the work ended within the time. Its outcome after that is ignored. @throws the errors of the work in that time */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  try {
    await withTimeLimit(work, ms)
    return true
  } catch (error) {
    if (error === TIMED_OUT) return false
    throw error
  }
}
