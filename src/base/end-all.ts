/** Takes every step in turn, whatever the ones before it have thrown. @throws the first error, when all are over */
export async function endAll(steps: readonly (() => unknown)[]): Promise<void> {
  const failed: { error: unknown }[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failed.push({ error })
    }
  }
  if (failed[0]) throw failed[0].error
}

/** Waits for all, whichever of them rejects. @throws what the first of them rejects with, when all are over */
export async function allEnded(ends: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const outcomes = await Promise.allSettled(ends.filter((one) => one !== undefined))
  const failed = outcomes.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}
