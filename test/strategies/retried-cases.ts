import { expect } from 'vitest'
import { poll } from '../support/broker.js'
import { message, type StoreWorld } from './store-cases.js'

const REQUEST = { now: 1000, limit: 1, leaseMs: 60_000 }

/** What relays make of messages that were retried meanwhile. */
export const RETRIED_CASES: Record<string, (world: StoreWorld) => Promise<void>> = {
  'a message that was retried, and handed over by another relay, before its settlement is not missing': async ({
    store,
    again,
  }) => {
    const retried = message()
    await store.add(retried, {})
    const { claimed } = await store.claim(REQUEST)
    const claimedAt = performance.now()
    const other = await again()
    await other.add(retried, {})
    const second = await other.claim(REQUEST)
    expect(second.claimed.map((one) => one.message.id)).toEqual([retried.id])
    await other.settle(second.claimed)
    await poll(() => performance.now() - claimedAt > 1000, { what: 'a retry to be possible' })
    await store.settle(claimed)
    expect(store.faults()).toEqual({ unreadable: 0, missing: 0 })
  },
}
