import type { Subscription } from '../../broker.js'

/**
 * Two subscriptions as one. If the second cannot start, the first ends.
 *
 * @throws what `start` throws
 */
export async function subscribeBoth(first: Subscription, start: () => Promise<Subscription>): Promise<Subscription> {
  let second: Subscription
  try {
    second = await start()
  } catch (error) {
    await first.close()
    throw error
  }
  const both = async (work: (subscription: Subscription) => Promise<void>) => {
    await Promise.all([first, second].map(work))
  }
  return {
    setPrefetch: (prefetch) => [first, second].forEach((subscription) => subscription.setPrefetch?.(prefetch)),
    pause: () => both((subscription) => subscription.pause()),
    resume: () => both((subscription) => subscription.resume()),
    cancel: () => both((subscription) => subscription.cancel()),
    close: () => both((subscription) => subscription.close()),
  }
}
