import type { Channel } from 'amqplib'
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { on, type Consumer, type DedupeStore } from '../../src/index.js'
import { note, unique } from '../strategies/recorder.js'
import { poll } from '../support/broker.js'
import { startChild } from '../support/child.js'
import { failure, open, rawChannel } from '../support/mq.js'

export interface DedupeSubject {
  name: string
  /** AMQP. */
  url: () => string
  /** A store over its own connection, as in another process. */
  make: () => DedupeStore
  /** Arguments of dedupe-consumer.ts for the shared store. */
  child: () => readonly [kind: string, url: string, prefix: string]
}

const CONSUMER = new URL('./dedupe-consumer.ts', import.meta.url)

/** The requirements of every {@link DedupeStore}. */
export function dedupeCases({ name, url, make, child }: DedupeSubject): void {
  test(`${name}: a key has one owner while it runs, no owner once released, and is settled for all`, async () => {
    const [one, two, key] = [make(), make(), anyKey()]
    expect(await one.claim(key, A, 60_000)).toBe('claimed')
    expect(await two.claim(key, B, 60_000)).toBe('running')
    // The answer to the first may have been lost.
    expect(await one.claim(key, A, 60_000)).toBe('claimed')
    await two.release(key, B)
    expect(await two.claim(key, B, 60_000)).toBe('running')
    await one.release(key, A)
    expect(await two.claim(key, B, 60_000)).toBe('claimed')
    await one.release(key, A)
    expect(await one.claim(key, A, 60_000)).toBe('running')
    await two.settle(key, 60_000)
    await two.release(key, B)
    await two.renew([key], B, 60_000)
    expect(await one.claim(key, A, 60_000)).toBe('settled')
    expect(await two.claim(key, B, 60_000)).toBe('settled')
  })

  test(`${name}: a lease ends when it is not renewed, and a window ends`, async () => {
    const [one, two, kept, left, done] = [make(), make(), anyKey(), anyKey(), anyKey()]
    for (const key of [kept, left]) expect(await one.claim(key, A, 500)).toBe('claimed')
    await one.renew([kept], A, 60_000)
    await one.settle(done, 500)
    const claimed = async (key: string) => (await two.claim(key, B, 60_000)) === 'claimed'
    for (const key of [left, done]) await poll(() => claimed(key), { what: 'a claim', timeoutMs: 5000 })
    expect(await two.claim(kept, B, 60_000)).toBe('running')
    // A renewal changes no key that it no longer owns.
    await one.renew([kept, left, done], A, 60_000)
    expect(await one.claim(left, A, 60_000)).toBe('running')
    expect(await one.claim(done, A, 60_000)).toBe('running')
  })

  test(`${name}: of many concurrent claims, one succeeds`, async () => {
    const [stores, key] = [[make(), make(), make()], anyKey()]
    const claims = Array.from({ length: 90 }, (_, i) => stores[i % 3]!.claim(key, randomUUID(), 60_000))
    expect((await Promise.all(claims)).filter((answer) => answer === 'claimed')).toHaveLength(1)
  })

  test(`${name}: keys of any text stay distinct`, async () => {
    const store = make()
    const own = anyKey()
    const keys = ['', '\0', 'a', 'a\0', 'ä', '{x}', ' ', 'y'.repeat(700), `${'y'.repeat(699)}z`].map((end) => own + end)
    for (const key of keys) expect(await store.claim(key, A, 60_000)).toBe('claimed')
    for (const key of keys) expect(await store.claim(key, B, 60_000)).toBe('running')
  })

  test(`${name}: two consumers handle one of three copies of each of 300 messages`, async () => {
    const queue = unique('copies')
    const handled: number[] = []
    const consumers = await Promise.all([1, 2].map(() => consume(queue, (n) => void handled.push(n))))
    const channel = await rawChannel(url())
    const messages = Array.from({ length: 300 }, (_, n) => n)
    for (const n of [...messages, ...messages, ...messages]) publishCopy(channel, queue, n)
    await poll(() => total(consumers, 'handled') + total(consumers, 'suppressed') === 900, {
      what: 'all copies',
      timeoutMs: 30_000,
    })
    expect(handled.toSorted((a, b) => a - b)).toEqual(messages)
    expect(consumers.every((consumer) => consumer.stats().handled > 0)).toBe(true)
  })

  test(`${name}: another process handles the message of a killed process, and not its copies`, async () => {
    const queue = unique('killed')
    const channel = await rawChannel(url())
    await consume(queue, () => undefined).then((consumer) => consumer.close())
    const first = startChild(CONSUMER, ...child(), url(), queue)
    publishCopy(channel, queue, 1)
    await poll(() => first.lines.includes('started 1'), { what: 'its handler', timeoutMs: 30_000 })
    const handled: number[] = []
    const second = await consume(queue, (n) => void handled.push(n))
    publishCopy(channel, queue, 1)
    await poll(() => second.stats().held === 1, { what: 'the copy to wait', timeoutMs: 30_000 })
    expect(handled).toEqual([])
    await first.kill()
    await poll(() => second.stats().suppressed === 1, { what: 'the other copy', timeoutMs: 30_000 })
    expect(handled).toEqual([1])
  })

  async function consume(queue: string, handle: (n: number) => unknown): Promise<Consumer> {
    const mq = await open(url())
    const handler = on(note, ({ payload }) => handle(payload.n))
    return mq.consume(queue, [handler], { prefetch: 20, dedupe: { store: make(), leaseMs: 2000 } })
  }
}

const [A, B] = [randomUUID(), randomUUID()]

export function anyKey(): string {
  return unique('key')
}

/** By hand, as after a crash of the broker: each call publishes the same message. */
function publishCopy(channel: Channel, queue: string, n: number): void {
  const headers = { 'dueque-due': 1, 'dueque-revision': 1000 + n, 'dueque-attempt': 1 }
  const properties = { messageId: `copy-${n}`, type: 'test.note', contentType: 'application/json', headers }
  channel.sendToQueue(queue, Buffer.from(JSON.stringify({ n })), { persistent: true, ...properties })
}

function total(consumers: readonly Consumer[], what: 'handled' | 'suppressed'): number {
  return consumers.reduce((sum, consumer) => sum + consumer.stats()[what], 0)
}

interface Restartable {
  kill(): Promise<void>
  restart(): Promise<void>
}

/** The store of two consumers is killed and restarted: no message is handled without it, and none twice. */
export async function survivesItsStore(url: string, server: Restartable, make: () => DedupeStore): Promise<void> {
  const queue = unique('restart')
  const handled: number[] = []
  const consumers = await Promise.all(
    [1, 2].map(async () => {
      const mq = await open(url)
      return mq.consume(queue, [on(note, ({ payload: { n } }) => void handled.push(n))], { dedupe: { store: make() } })
    }),
  )
  const stats = (what: 'handled' | 'suppressed' | 'held') => consumers.reduce((sum, c) => sum + c.stats()[what], 0)
  const channel = await rawChannel(url)
  publishCopy(channel, queue, 1)
  await poll(() => stats('handled') === 1, { what: 'the first', timeoutMs: 30_000 })
  await server.kill()
  for (const n of [1, 2, 2]) publishCopy(channel, queue, n)
  await poll(() => stats('held') === 3, { what: 'all to wait', timeoutMs: 30_000 })
  expect(handled).toEqual([1])
  await server.restart()
  await poll(() => stats('suppressed') === 2, { what: 'the copies', timeoutMs: 60_000 })
  expect(handled).toEqual([1, 2])
}

/** Every call of a store that does not answer. */
export async function failsInTime(store: DedupeStore): Promise<void> {
  const [from, key, owner] = [performance.now(), anyKey(), randomUUID()]
  const calls = [store.claim(key, owner, 1000), store.renew([key], owner, 1000), store.settle(key, 1000)]
  const errors = await Promise.all([...calls, store.release(key, owner)].map((call) => failure(call)))
  expect(errors.map((error) => (error as { code?: unknown }).code)).toEqual(Array(4).fill('STORE_ERROR'))
  expect(performance.now() - from).toBeLessThan(5000)
}
