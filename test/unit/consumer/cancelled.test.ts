import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import { Gate } from '../../../src/cancellation/gate.js'
import { defineMessage, on, type DedupeStore, type DuequeEvents } from '../../../src/index.js'
import type { Envelope } from '../../../src/message/envelope.js'
import { settled, world } from './world.js'

const nothing = () => undefined

/** Cancels by id. */
function cancellations(...ids: string[]) {
  const cancelled = new Set(ids)
  return { cancelled, isCancelled: ({ id }: Pick<Envelope, 'id'>) => cancelled.has(id ?? '') }
}

it('a cancelled message is acknowledged without a handler, and counted', async () => {
  const { isCancelled } = cancellations('a')
  const { arrive, log, consumer, broker } = await world(nothing, { isCancelled })
  for (const id of ['a', 'b']) await arrive(id)
  expect(log).toEqual(['b'])
  expect([consumer.stats().cancelled, consumer.stats()]).toMatchObject([1, { handled: 1, suppressed: 0, running: 0 }])
  await consumer.close()
  expect(broker.queues().flatMap((queue) => broker.messages(queue))).toEqual([])
})

it('cancellation is checked when the handler would start, not when the message arrives', async () => {
  const { cancelled, isCancelled } = cancellations()
  const { arrive, log, clock, consumer } = await world(nothing, { isCancelled })
  await arrive('held', { dueAt: clock.now() + 1000 })
  cancelled.add('held')
  clock.advance(1000)
  await settled()
  expect([log, consumer.stats().cancelled]).toEqual([[], 1])
})

it('a message with the dedupe key of a dropped one is handled', async () => {
  const { cancelled, isCancelled } = cancellations('old')
  const { arrive, log, consumer } = await world(nothing, { isCancelled })
  await arrive('old', { dedupeKey: 'k' })
  await arrive('new', { dedupeKey: 'k' })
  cancelled.clear()
  await arrive('newer', { dedupeKey: 'k' })
  expect([log, consumer.stats().cancelled, consumer.stats().suppressed]).toEqual([['new'], 1, 1])
})

it('cancellation is checked after the claim in a dedupe store, and the key is released there', async () => {
  const calls: string[] = []
  const store: DedupeStore = {
    name: 'noting',
    claim: (key) => {
      calls.push(`claim ${key.split('\0')[1]}`)
      return Promise.resolve('claimed')
    },
    renew: () => Promise.resolve(),
    settle: (key) => {
      calls.push(`settle ${key.split('\0')[1]}`)
      return Promise.resolve()
    },
    release: (key) => {
      calls.push(`release ${key.split('\0')[1]}`)
      return Promise.resolve()
    },
  }
  const isCancelled = ({ id }: Envelope) => {
    calls.push(`asked ${id}`)
    return id === 'old'
  }
  const { arrive, log } = await world(nothing, { isCancelled }, { dedupe: { store } })
  await arrive('old', { dedupeKey: 'k' })
  await arrive('new', { dedupeKey: 'k' })
  expect(calls).toEqual(['claim k', 'asked old', 'release k', 'claim k', 'asked new', 'settle k'])
  expect(log).toEqual(['new'])
})

it('a message that is cancelled while its handler fails is not retried', async () => {
  const { cancelled, isCancelled } = cancellations()
  const fails = ({ id }: { id: string }) => {
    if (id === 'a') cancelled.add('a')
    throw new Error('no')
  }
  const retry = { attempts: 2, backoff: '1s' }
  const { arrive, log, consumer, strategy } = await world(fails, { isCancelled }, { retry })
  for (const id of ['a', 'b']) await arrive(id)
  expect([...strategy.waiting()].map(({ id }) => id)).toEqual(['b'])
  expect([log, consumer.stats().cancelled, consumer.stats()]).toMatchObject([['a', 'b'], 1, { retried: 1, running: 0 }])
})

it('a message that is cancelled while its retry cannot be published is not retried', async () => {
  const { cancelled, isCancelled } = cancellations()
  const fails = () => Promise.reject(new Error('no'))
  const retry = { attempts: 2, backoff: '1s' }
  const { arrive, consumer, strategy } = await world(fails, { isCancelled }, { retry })
  const schedule = vi.spyOn(strategy, 'schedule').mockRejectedValueOnce(new Error('away'))
  await arrive('a')
  expect(schedule).toHaveBeenCalledOnce()
  cancelled.add('a')
  await expect.poll(() => consumer.stats().cancelled, { timeout: 5000 }).toBe(1)
  expect([schedule.mock.calls.length, consumer.stats()]).toMatchObject([1, { retried: 0, running: 0 }])
})

it('a message that is cancelled while its handler asks for a retry is not retried; one that it dead-letters is dead', async () => {
  const { cancelled, isCancelled } = cancellations()
  const { arrive, consumer, strategy, broker } = await world(
    ({ id, retry, deadLetter }) => {
      cancelled.add(id)
      if (id === 'a') retry({ in: '1h' })
      else deadLetter('no use')
    },
    { isCancelled },
  )
  for (const id of ['a', 'b']) await arrive(id)
  expect([...strategy.waiting()]).toEqual([])
  expect([consumer.stats().cancelled, consumer.stats(), broker.messages('orders.dead').length]).toMatchObject([
    1,
    { dead: 1 },
    1,
  ])
})

it('a cancelled message that arrived far too early is not put back', async () => {
  const { isCancelled } = cancellations('a')
  const { arrive, consumer, strategy, clock } = await world(nothing, { isCancelled })
  for (const id of ['a', 'b']) await arrive(id, { dueAt: clock.now() + 3_600_000 })
  expect([...strategy.waiting()].map(({ id }) => id)).toEqual(['b'])
  expect([consumer.stats().cancelled, consumer.stats()]).toMatchObject([1, { putBack: 1, held: 0 }])
})

it('a copy behind a running message that is cancelled has its turn, and is checked itself', async () => {
  const { cancelled, isCancelled } = cancellations()
  let fail = nothing as () => void
  const first = ({ id }: { id: string }) =>
    id === 'old' ? new Promise((_, reject) => (fail = () => reject(new Error('no')))) : undefined
  const { arrive, log, consumer } = await world(first, { isCancelled }, { retry: { attempts: 2, backoff: '1s' } })
  await arrive('old', { dedupeKey: 'k' })
  await arrive('new', { dedupeKey: 'k' })
  expect(consumer.stats().following).toBe(1)
  cancelled.add('old')
  fail()
  await settled()
  expect([log, consumer.stats().cancelled, consumer.stats().handled]).toEqual([['old', 'new'], 1, 1])
})

it('a dropped message emits one event, before its handler, its retry and its way back', async () => {
  const { cancelled, isCancelled } = cancellations('a', 'far')
  const fails = ({ id }: { id: string }) => {
    cancelled.add(id)
    throw new Error('no')
  }
  const { arrive, events, clock } = await world(fails, { isCancelled }, { retry: { attempts: 3 } })
  const heard: unknown[] = []
  const names: (keyof DuequeEvents)[] = ['handled', 'retried', 'dead', 'dropped']
  for (const name of names) events.on(name, (event: unknown) => void heard.push([name, event]))
  await arrive('a')
  await arrive('b', { attempt: 2 })
  await arrive('far', { dueAt: clock.now() + 3_600_000 })
  const dropped = (id: string, attempt = 1) => ['dropped', { queue: 'orders', id, name: 'order', attempt }]
  expect(heard).toEqual([dropped('a'), dropped('b', 2), dropped('far')])
})

it('a message that is cancelled while its schema is at work is dropped', async () => {
  const { cancelled, isCancelled } = cancellations()
  let valid = nothing as () => void
  const slow = defineMessage(
    'slow',
    z.number().refine(() => new Promise<boolean>((resolve) => (valid = () => resolve(true)))),
  )
  const handled = vi.fn()
  const { arrive, consumer } = await world(nothing, { isCancelled }, {}, [on(slow, handled)])
  await arrive('a', { name: 'slow' })
  cancelled.add('a')
  valid()
  await settled()
  expect([handled.mock.calls.length, consumer.stats()]).toMatchObject([0, { cancelled: 1, handled: 0, running: 0 }])
})

it('the gate is asked again after the claim in a dedupe store', async () => {
  const gate = new Gate()
  const { cancelled, isCancelled } = cancellations()
  let claimed = nothing as () => void
  const claim = vi.fn(() => new Promise<'claimed'>((resolve) => (claimed = () => resolve('claimed'))))
  const done = () => Promise.resolve()
  const store: DedupeStore = { name: 'slow', claim, renew: done, settle: done, release: done }
  const { arrive, log, consumer } = await world(nothing, { isCancelled, gate }, { dedupe: { store } })
  await arrive('a')
  gate.close()
  claimed()
  await settled()
  expect([log, consumer.stats().running]).toEqual([[], 0])
  cancelled.add('a')
  gate.open()
  await expect.poll(() => claim.mock.calls.length).toBe(2)
  claimed()
  await settled()
  expect([log, consumer.stats().cancelled]).toEqual([[], 1])
})
