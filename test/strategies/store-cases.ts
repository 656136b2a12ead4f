import { expect } from 'vitest'
import type { DelayedMessage } from '../../src/message/delayed-message.js'
import { isDuequeError } from '../../src/index.js'
import type { MessageStore } from '../../src/strategies/store/message-store.js'
import { positionOf } from '../../src/strategies/waiting-view.js'
import { poll } from '../support/broker.js'
import { unique } from './recorder.js'

/** An open, empty store. `again` opens another one on the same messages. */
export interface StoreWorld {
  store: MessageStore
  again: () => Promise<MessageStore>
}

let revision = Date.now() * 1000

export function message(more: Partial<DelayedMessage> = {}): DelayedMessage {
  revision++
  return {
    id: unique('id'),
    name: 'test.note',
    version: 1,
    body: Buffer.from('{"n":1}'),
    destination: { queue: 'q' },
    dueAt: 1000,
    scheduledAt: Math.floor(revision / 1000),
    expiresAt: undefined,
    revision,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    ...more,
  }
}

const LEASE_MS = 60_000

async function addAll(store: MessageStore, messages: readonly DelayedMessage[]): Promise<void> {
  await Promise.all(messages.map((one) => store.add(one, {})))
}

const claim = (store: MessageStore, now = 1000, limit = 100, leaseMs = LEASE_MS) => store.claim({ now, limit, leaseMs })
const idsOf = (messages: readonly DelayedMessage[]) => messages.map(({ id }) => id)
const claimedIds = async (store: MessageStore, now?: number, limit?: number) =>
  (await claim(store, now, limit)).claimed.map(({ message: { id } }) => id)
const foundIds = async (store: MessageStore) => idsOf(await store.list({}, { limit: 1000 }))

/** Walks pages of `limit`; `between` runs after each with the last message of it. */
async function walk(store: MessageStore, limit: number, between?: (last: DelayedMessage) => Promise<unknown>) {
  const ids: string[] = []
  for (let last: DelayedMessage | undefined; ;) {
    const page = await store.list({}, { limit, after: last && positionOf(last) })
    ids.push(...idsOf(page))
    last = page.at(-1)
    if (!last) return ids
    await between?.(last)
  }
}

/** The requirements of relays and operators on every store: see src/strategies/store/message-store.ts. */
export const STORE_CASES: Record<string, (world: StoreWorld) => Promise<void>> = {
  'returns messages as they were added, to the byte': async ({ store }) => {
    const body = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256))
    const all = [
      message({ body, id: 'a\0"\\\n\u2028😀', name: 'n,"\n', headers: { 'ß\0': ['x', { y: null }], n: 1.5 } }),
      message({ destination: { exchange: 'e:x', routingKey: '' }, expiresAt: 5, dedupeKey: 'd', priority: 3 }),
      message({ destination: { exchange: 'e', routingKey: 'a.\0b' }, routingKey: 'other', correlationId: 'c\n' }),
      message({ attempt: 3, retryAt: 900, firstFailedAt: 1, lastFailedAt: 2, version: 7, scheduledAt: 5, rescues: 1 }),
      message({ properties: { contentType: 'x/y', appId: Buffer.from([0, 255, 10]) }, body: new Uint8Array() }),
    ]
    await addAll(store, all)
    for (const one of all) {
      expect((await store.find(one.id)).map(plain)).toEqual([plain(one)])
    }
    const { claimed } = await claim(store)
    const byRevision = (a: DelayedMessage, b: DelayedMessage) => a.revision - b.revision
    expect(
      claimed
        .map((one) => one.message)
        .sort(byRevision)
        .map(plain),
    ).toEqual(all.map(plain))
  },

  'claims ready messages, the earliest first, and tells when the next one is ready': async ({ store }) => {
    const [later, late, early] = [message({ dueAt: 5000 }), message({ dueAt: 900 }), message({ dueAt: 800 })]
    expect(await claim(store)).toEqual({ now: 1000, claimed: [], nextAt: undefined })
    await addAll(store, [later, late, early])
    const first = await claim(store, 1000, 1)
    expect(first.claimed.map((one) => one.message.id)).toEqual([early.id])
    // At once: there may be more.
    expect(first.nextAt).toBeLessThanOrEqual(900)
    const second = await claim(store, 1000, 10)
    expect(second.claimed.map((one) => one.message.id)).toEqual([late.id])
    expect(second.nextAt).toBe(5000)
    expect(await claimedIds(store, 4999)).toEqual([])
    expect(await claimedIds(store, 5000)).toEqual([later.id])
    // The earliest lease is over in a minute, by its own clock.
    const { nextAt } = await claim(store, 5000)
    expect(nextAt).toBeGreaterThan(5000 + LEASE_MS / 2)
    expect(nextAt).toBeLessThanOrEqual(5000 + LEASE_MS)
  },

  'claims ready messages by its own clock, and does not claim a held message for a while': async ({ store }) => {
    const [past, soon, later, held] = [0, 400, 3_600_000, 0].map((inMs) => message({ dueAt: Date.now() + inMs }))
    await Promise.all([
      store.add(past!, {}),
      store.add(soon!, {}),
      store.add(later!, {}),
      store.add(held!, { holdMs: 600 }),
    ])
    const added = performance.now()
    const first = await store.claim({ limit: 10, leaseMs: LEASE_MS })
    expect(Math.abs(first.now - Date.now())).toBeLessThan(5000)
    expect(first.claimed.map((one) => one.message.id)).toEqual([past!.id])
    const [view] = await store.find(held!.id)
    expect(view!.retryAt).toBeGreaterThanOrEqual(held!.dueAt + 590)
    const seen: { id: string; at: number }[] = []
    await poll(
      async () => {
        const { claimed } = await store.claim({ limit: 10, leaseMs: LEASE_MS })
        for (const one of claimed) seen.push({ id: one.message.id, at: performance.now() - added })
        return seen.length === 2
      },
      { what: 'the held message to be claimed', timeoutMs: 15_000 },
    )
    expect(seen.map(({ id }) => id)).toEqual([soon!.id, held!.id])
    expect(seen[1]!.at).toBeGreaterThan(550)
    expect(plain((await store.list({}, { limit: 10 }))[0]!)).toEqual(plain(later!))
  },

  'a claimed message does not wait, and is gone once settled': async ({ store }) => {
    const one = message()
    await store.add(one, {})
    const { claimed } = await claim(store)
    expect(await store.find(one.id)).toEqual([])
    expect(await store.list({}, { limit: 10 })).toEqual([])
    expect(await store.count({})).toBe(0)
    expect(await store.remove(one)).toBe(false)
    expect(await store.replace(one, { ...one, dueAt: 2000 })).toBe(false)
    expect(await store.add(message({ id: one.id, dueAt: 9000 }), { onConflict: 'error' })).toBeUndefined()
    await store.settle(claimed)
    expect(await claimedIds(store, 8999)).toEqual([])
    expect(await store.count({})).toBe(1)
  },

  'a claim that is not settled in time is taken again, and the old one has no effect': async ({ store }) => {
    const one = message()
    await store.add(one, {})
    const old = await claim(store, 1000, 10, 50)
    const again = { claimed: [] as (typeof old)['claimed'] }
    await poll(
      async () => {
        again.claimed = (await claim(store)).claimed
        return again.claimed.length > 0
      },
      { what: 'the lease to be over', timeoutMs: 10_000 },
    )
    await store.settle(old.claimed)
    await store.postpone(old.claimed, 2000)
    expect(await store.count({})).toBe(0)
    await store.postpone(again.claimed, 2000)
    expect(await foundIds(store)).toEqual([one.id])
  },

  'a postponed message waits until its new time, and is listed there': async ({ store }) => {
    const [stalled, other, late] = [message({ dueAt: 900 }), message({ dueAt: 1500 }), message({ dueAt: 3000 })]
    await addAll(store, [stalled, other, late])
    const { claimed } = await claim(store)
    await store.postpone(claimed, 2000)
    expect(await foundIds(store)).toEqual([other.id, stalled.id, late.id])
    for (const limit of [1, 2]) expect(await walk(store, limit)).toEqual([other.id, stalled.id, late.id])
    expect(idsOf(await store.list({ from: 1600, to: 2500 }, { limit: 9 }))).toEqual([stalled.id])
    expect(await store.count({ from: 1600, to: 2500 })).toBe(1)
    expect(await claimedIds(store, 1999)).toEqual([other.id])
    const again = await claim(store, 2000)
    expect(again.claimed.map((one) => plain(one.message))).toEqual([plain(stalled)])
    // Never before it is ready, whatever the relay's clock says.
    await store.postpone(again.claimed, 100)
    expect(await claimedIds(store, 899)).toEqual([])
    const [view] = await store.find(stalled.id)
    expect(await store.replace(view!, { ...stalled, dueAt: 700 })).toBe(true)
    expect(await claimedIds(store, 700)).toEqual([stalled.id])
  },

  'a message added again stays unchanged while it waits; while it is claimed, it waits again and the claim has no effect':
    async ({ store }) => {
      const one = message()
      await store.add(one, {})
      await store.add({ ...one, dueAt: 500 }, {})
      await store.add({ ...one, dueAt: 500 }, { onConflict: 'error' })
      expect((await store.find(one.id)).map(({ dueAt }) => dueAt)).toEqual([1000])
      const { claimed } = await claim(store)
      await store.add({ ...one, headers: { again: true } }, {})
      await store.settle(claimed)
      await store.postpone(claimed, 5000)
      const found = await store.find(one.id)
      expect(found).toMatchObject([{ revision: one.revision, headers: { again: true }, dueAt: 1000 }])
      expect(found).toHaveLength(1)
    },

  'several messages may wait with one id, and stay distinct': async ({ store }) => {
    const id = unique('shared')
    const all = Array.from({ length: 5 }, (_, i) => message({ id, dueAt: 1000 + i }))
    const retry = message({ id, revision: all[0]!.revision, attempt: 2, retryAt: 5000 })
    await addAll(store, [...all, retry])
    expect(idsOf(await store.find(id))).toHaveLength(6)
    expect((await store.find(id)).map((one) => one.revision)).toEqual([
      ...all.toReversed().map((one) => one.revision),
      retry.revision,
    ])
    expect(await store.remove(all[0]!)).toBe(true)
    expect(await store.remove(all[0]!)).toBe(false)
    expect(await store.remove(all[3]!)).toBe(true)
    await addAll(store, [all[0]!, all[1]!])
    expect(await store.count({})).toBe(5)
    const kept = await store.add(message({ id }), { onConflict: 'ignore' })
    expect(kept?.revision).toBe(all[4]!.revision)
    const refused = await store.add(message({ id }), { onConflict: 'error' }).catch((error: unknown) => error)
    expect(isDuequeError(refused, 'CONFLICT') && refused.outcome).toBe('refused')
    const { claimed } = await claim(store, 1001)
    expect(claimed.map((one) => one.message.dueAt)).toEqual([1000, 1001])
    const replacing = message({ id, dueAt: 7000 })
    expect(await store.add(replacing, { onConflict: 'replace' })).toBeUndefined()
    expect((await store.find(id)).map(({ revision: one }) => one)).toEqual([replacing.revision])
    await store.postpone(claimed, 6000)
    expect((await store.find(id)).map(({ dueAt }) => dueAt)).toEqual([7000, 1001, 1000])
    for (const one of await store.find(id)) expect(await store.remove(one)).toBe(true)
    expect(await store.find(id)).toEqual([])
  },

  'pages list each message of one instant once, although listed ones are removed': async ({ store }) => {
    const all = Array.from({ length: 20 }, (_, i) => message({ dueAt: i < 15 ? 1000 : 1001 }))
    await addAll(store, all)
    const wanted = idsOf(all).sort()
    for (const limit of [1, 3, 7, 20, 50]) expect((await walk(store, limit)).sort()).toEqual(wanted)
    const ids = await walk(store, 3, async (last) => {
      await store.remove(last)
      await store.add(message({ dueAt: 10 }), {})
    })
    expect(ids.sort()).toEqual(wanted)
  },

  'finds, counts and pages messages by name and destination among others': async ({ store }) => {
    const kinds = [
      message({ name: 'a', destination: { queue: 'x' } }),
      message({ name: 'b', destination: { queue: 'x' } }),
      message({ name: 'a', destination: { queue: 'a' }, headers: { name: ['b', 'a'] } }),
      message({ name: 'a', destination: { exchange: 'x', routingKey: 'k' } }),
      message({ name: 'x', destination: { exchange: 'x', routingKey: 'l' }, body: Buffer.from('["a","b",') }),
    ]
    const copies = kinds.flatMap((kind) => Array.from({ length: 30 }, () => ({ ...kind, id: unique('id') })))
    await addAll(store, copies)
    const filters = [
      { filter: { name: 'a' }, count: 90 },
      { filter: { name: 'a', destination: { queue: 'x' } }, count: 30 },
      { filter: { destination: { queue: 'x' } }, count: 60 },
      { filter: { destination: { exchange: 'x' } }, count: 60 },
      { filter: { destination: { exchange: 'x', routingKey: 'l' } }, count: 30 },
      { filter: { name: 'b', destination: { exchange: 'x' } }, count: 0 },
      { filter: { name: 'a', to: 1000 }, count: 0 },
      { filter: { name: 'a', from: 1000, to: 1001 }, count: 90 },
    ]
    for (const { filter, count } of filters) {
      expect(await store.count(filter)).toBe(count)
      expect(await store.list(filter, { limit: 1000 })).toHaveLength(count)
      expect(await store.list(filter, { limit: 7 })).toHaveLength(Math.min(count, 7))
    }
  },

  'one of many concurrent changes of a waiting message succeeds': async ({ store }) => {
    const one = message()
    await store.add(one, {})
    const changes = await Promise.all([2000, 3000, 4000].map((dueAt) => store.replace(one, { ...one, dueAt })))
    expect(changes.filter(Boolean)).toHaveLength(1)
    const [now] = await store.find(one.id)
    expect([2000, 3000, 4000]).toContain(now!.dueAt)
    expect(await store.replace(now!, { ...now!, dueAt: 1500 })).toBe(true)
    expect(await claimedIds(store, 1499)).toEqual([])
    expect(await claimedIds(store, 1500)).toEqual([one.id])
  },

  'several relays claim thousands of messages, each once, and settle them in one call': async ({ store, again }) => {
    const count = 2500
    await addAll(
      store,
      Array.from({ length: count }, () => message()),
    )
    const stores = [store, await again(), await again()]
    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, i) => stores[i % 3]!.claim({ now: 1000, limit: 300, leaseMs: LEASE_MS })),
    )
    const claimed = claims.flatMap((one) => one.claimed)
    expect(new Set(claimed.map((one) => one.message.id)).size).toBe(count)
    expect(claimed).toHaveLength(count)
    await store.settle(claimed)
    expect(await claim(store)).toEqual({ now: 1000, claimed: [], nextAt: undefined })
  },

  'a watcher is notified, from any process, of a message that is ready before all others': async ({ store, again }) => {
    if (!store.watch) return
    const hour = Date.now() + 3_600_000
    const other = await again()
    await store.add(message({ dueAt: hour + 5000 }), {})
    const heard: number[] = []
    const end = await store.watch((readyAt) => heard.push(readyAt))
    await other.add(message({ dueAt: hour + 6000 }), {})
    const earlier = message({ dueAt: hour + 4000 })
    await other.add(earlier, {})
    await poll(() => heard.includes(hour + 4000), { what: 'the earlier one to be heard of', timeoutMs: 10_000 })
    await other.replace(earlier, { ...earlier, dueAt: hour + 3000 })
    await poll(() => heard.includes(hour + 3000), { what: 'its new time to be heard of', timeoutMs: 10_000 })
    await end()
    expect(heard).not.toContain(hour + 6000)
  },
}

/** Without empty fields, and with the body as text, so that a Buffer equals any other array of bytes. */
function plain({ body, ...rest }: DelayedMessage): unknown {
  return { ...(JSON.parse(JSON.stringify(rest)) as object), body: Buffer.from(body).toString('hex') }
}
