/**
 * The results of work that a test awaits later. A failure shows where the test awaits it, and nowhere before: each one of many
 * would be reported outside of the tests.
 */
export function awaitedLater<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const all = Promise.all(work)
  all.catch(() => undefined)
  return all
}
