import { expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  memory,
  on,
  type DedupeOptions,
  type DedupeStore,
  type Delivery,
} from '../../../../src/index.js'
import { rejection } from '../../thrown.js'

const order = defineMessage('order', z.number())
const DAY = 86_400_000

/** A store in memory that processes share. */
function sharedStore() {
  const keys = new Map<string, { owner: string | undefined; until: number }>()
  const state = { down: false, renewed: 0 }
  const ask = () => (state.down ? Promise.reject(new Error('down')) : Promise.resolve())
  const store: DedupeStore = {
    name: 'shared',
    async claim(key, owner, leaseMs) {
      await ask()
      const now = keys.get(key)
      if (now && now.until > Date.now() && now.owner !== owner) return now.owner === undefined ? 'settled' : 'running'
      keys.set(key, { owner, until: Date.now() + leaseMs })
      return 'claimed'
    },
    async renew(all, owner, leaseMs) {
      await ask()
      state.renewed++
      for (const key of all) if (keys.get(key)?.owner === owner) keys.set(key, { owner, until: Date.now() + leaseMs })
    },
    async settle(key, windowMs) {
      await ask()
      keys.set(key, { owner: undefined, until: Date.now() + windowMs })
    },
    async release(key, owner) {
      await ask()
      if (keys.get(key)?.owner === owner) keys.delete(key)
    },
  }
  return { store, state, keys }
}

/** A process with its own queue: each gets its own copy of a message with one id and revision. */
async function process(dedupe: DedupeOptions, handle: (delivery: Delivery) => unknown) {
  const mq = await connect({ strategy: memory() })
  onTestFinished(() => mq.close({ drainTimeoutMs: 0 }))
  const consumer = await mq.consume('orders', [on(order, handle)], { dedupe, retry: { attempts: 1 } })
  return { mq, consumer }
}

const options = { to: { queue: 'orders' }, in: 0, id: 'o-1', dedupeKey: 'o-1', declare: true }

it('a copy of a message that another process handled is suppressed', async () => {
  const { store } = sharedStore()
  const handled: string[] = []
  const first = await process({ store }, () => handled.push('first'))
  const second = await process({ store }, () => handled.push('second'))
  await first.mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(first.consumer.stats().handled).toBe(1))
  await second.mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(second.consumer.stats().suppressed).toBe(1))
  expect(handled).toEqual(['first'])
})

it('a copy of a message that another process is handling waits for the outcome', async () => {
  const { store } = sharedStore()
  let end = (): void => undefined
  const first = await process({ store }, () => new Promise<void>((resolve) => (end = resolve)))
  const second = await process({ store }, () => undefined)
  await first.mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(first.consumer.stats().running).toBe(1))
  await second.mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(second.consumer.stats().held).toBe(1))
  expect(second.consumer.stats()).toMatchObject({ handled: 0, suppressed: 0 })
  end()
  await vi.waitFor(() => expect(second.consumer.stats().suppressed).toBe(1), { timeout: 5000 })
})

it('a copy is handled when the process that handled the first one has died', async () => {
  const { store, keys } = sharedStore()
  // It is never renewed.
  keys.set('orders\0o-1\u00001', { owner: 'a process that died', until: Date.now() + 700 })
  const { mq, consumer } = await process({ store }, () => undefined)
  await mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(consumer.stats().held).toBe(1))
  await vi.waitFor(() => expect(consumer.stats().handled).toBe(1), { timeout: 5000 })
})

it('the lease of a slow handler is renewed', async () => {
  const { store, state } = sharedStore()
  let end = (): void => undefined
  const first = await process({ store, leaseMs: 1000 }, () => new Promise<void>((resolve) => (end = resolve)))
  const second = await process({ store, leaseMs: 1000 }, () => undefined)
  await first.mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(first.consumer.stats().running).toBe(1))
  await second.mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(state.renewed).toBeGreaterThan(4), { timeout: 10_000 })
  expect(second.consumer.stats()).toMatchObject({ handled: 0, suppressed: 0 })
  end()
  await vi.waitFor(() => expect(second.consumer.stats().suppressed).toBe(1), { timeout: 5000 })
})

it('while the store is away nothing or everything is handled, by option; it is reported once', async () => {
  const { store, state } = sharedStore()
  state.down = true
  const waits = await process({ store }, () => undefined)
  const errors: string[] = []
  waits.mq.on('error', (error) => errors.push(error.code))
  await waits.mq.schedule(order, 1, options)
  await waits.mq.schedule(order, 2, { ...options, dedupeKey: 'o-2' })
  await vi.waitFor(() => expect(waits.consumer.stats().held).toBe(2))
  expect(waits.consumer.stats().handled).toBe(0)
  expect(errors).toEqual(['STORE_ERROR'])

  const goesOn = await process({ store, onStoreError: 'handle' }, () => undefined)
  await goesOn.mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(goesOn.consumer.stats().handled).toBe(1))

  state.down = false
  await vi.waitFor(() => expect(waits.consumer.stats().handled).toBe(2), { timeout: 5000 })
})

it('a message handled while the store went away is acked when the store has its key', async () => {
  const { store, state, keys } = sharedStore()
  const { mq, consumer } = await process({ store }, () => (state.down = true))
  await mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(consumer.stats().handled).toBe(1))
  expect(consumer.stats().running).toBe(1)
  state.down = false
  await vi.waitFor(() => expect(consumer.stats().running).toBe(0), { timeout: 5000 })
  expect([...keys.values()]).toMatchObject([{ owner: undefined }])
  expect([...keys.values()][0]!.until).toBeGreaterThan(Date.now() + DAY - 60_000)
})

it('a key that is released on close is not claimed again by a renewal', async () => {
  const { store, state } = sharedStore()
  const renewed: number[] = []
  const release = async () => {
    renewed.push(state.renewed)
    // Two renewals long.
    await new Promise((resolve) => setTimeout(resolve, 800))
    renewed.push(state.renewed)
  }
  const untilClosed = ({ signal }: Delivery) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  const { mq, consumer } = await process({ store: { ...store, release }, leaseMs: 1000 }, untilClosed)
  await mq.schedule(order, 1, options)
  await vi.waitFor(() => expect(state.renewed).toBeGreaterThan(0), { timeout: 5000 })
  await consumer.close({ drainTimeoutMs: 0 })
  await vi.waitFor(() => expect(renewed).toHaveLength(2), { timeout: 5000 })
  expect(renewed[1]).toBe(renewed[0])
})

it.each([
  { store: {} as never },
  { store: sharedStore().store, windowMs: 1 },
  { store: sharedStore().store, leaseMs: NaN },
  { store: sharedStore().store, onStoreError: 'ignore' as never },
])('refuses %o', async (dedupe) => {
  const mq = await connect({ strategy: memory() })
  onTestFinished(() => mq.close())
  const refused = await rejection(mq.consume('orders', [on(order, () => undefined)], { dedupe }))
  expect(refused.code).toBe('INVALID_OPTION')
})
