/** How long the broker may take to answer a goodbye: one that is blocked, or gone without a word, never will. */
export const CLOSE_MS = 3000

/**
 * Waits for the broker's answer to a close, but not for ever. Its errors do not matter: there is nothing left to lose.
 *
 * @returns whether it answered in time
 */
export async function closeInTime(close: Promise<unknown> | undefined, patienceMs = CLOSE_MS): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), patienceMs)))
  const answered = Promise.resolve(close).then(
    () => true,
    () => true,
  )
  const inTime = await Promise.race([answered, late])
  clearTimeout(timer)
  return inTime
}
