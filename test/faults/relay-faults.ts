import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { check } from '../../scripts/checker/check.js'
import { History } from '../../scripts/checker/history.js'
import { connect, on, type Dueque, type DuequeError, type Strategy, type WaitingMethods } from '../../src/index.js'
import type { StoreStrategy } from '../../src/strategies/store/store-strategy.js'
import { start } from '../cli/dueque.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, startNode, useVhost } from '../support/broker.js'
import { expectClean } from '../support/clean.js'
import { failure } from '../support/mq.js'

/** A store that relays share. */
export interface RelaySubject {
  name: string
  /** The reason why the store is missing, if it is. */
  missing: string
  /** A strategy over the store; undefined without a store. */
  strategy: (relay?: false) => StoreStrategy | undefined
  /** For `dueque relay`. */
  environment: () => Record<string, string>
  /** The number of claimed messages that are not settled. */
  claimed: () => Promise<number>
  /** Adds a ready entry of a foreign program: the JSON of a message, or a text that resembles it. */
  poison: (metas: readonly string[]) => Promise<void>
  unpoison: () => Promise<void>
}

/** Messages from 0 on that are all confirmed, and when each was handled. */
export class Handled {
  /** How often each number was handled. */
  readonly times = new Map<number, number>()
  readonly #calls: { n: number; at: number; due: number }[] = []

  static async on(mq: Dueque, queue: string): Promise<Handled> {
    const handled = new Handled()
    const handler = on(note, ({ payload: { n }, dueAt }) => {
      handled.times.set(n, (handled.times.get(n) ?? 0) + 1)
      handled.#calls.push({ n, at: Date.now(), due: dueAt.getTime() })
    })
    await mq.consume(queue, [handler], { prefetch: 500, concurrency: 50 })
    return handled
  }

  async isAll(count: number): Promise<void> {
    await poll(() => this.times.size === count, { what: `${count} handled`, timeoutMs: 150_000 }).catch(() => undefined)
    const history = new History()
    const dueOf = new Map(this.#calls.map(({ n, due }) => [n, due]))
    for (let n = 0; n < count; n++) {
      const due = dueOf.get(n) ?? 0
      history.tried(String(n), { process: 'producer', at: due, due })
      history.settled(String(n), 'confirmed')
    }
    for (const { n, ...call } of this.#calls) history.handled(String(n), { process: 'consumer', ...call })
    expectClean(check(history))
  }
}

export async function scheduleMany(mq: Dueque, queue: string, count: number, at: Date): Promise<void> {
  const item = (n: number) => ({ message: note, payload: { n }, options: { to: { queue }, at, declare: true } })
  for await (const { error } of mq.scheduleAll(Array.from({ length: count }, (_, n) => item(n)))) if (error) throw error
}

async function open(url: string, strategy: Strategy): Promise<Dueque> {
  const mq = await connect({ url, strategy })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return mq
}

/** Faults of relays and of RabbitMQ that every store must survive. */
export function relayFaults({ name, missing, strategy, environment, claimed, ...subject }: RelaySubject): void {
  describe(`relays of ${name}`, () => {
    const vhost = useVhost()

    test('two relays hand over each due message once', async ({ skip }) => {
      const strategies = [strategy() ?? skip(missing), strategy()!] as const
      const queue = unique('two')
      const [mq] = [await open(vhost.url, strategies[0]), await open(vhost.url, strategies[1])]
      // Late enough for a busy machine to schedule all of them before: due messages are not relayed.
      await scheduleMany(mq, queue, 4000, new Date(Date.now() + 15_000))
      const handled = await Handled.on(mq, queue)
      await handled.isAll(4000)
      const relayed = () => strategies.map((one) => one.relayStats()!.relayed)
      const total = () => relayed().reduce((sum, one) => sum + one)
      // A message may be handled before its relay has the confirm.
      await poll(() => total() >= 4000, { what: 'all to be settled', timeoutMs: 60_000 })
      expect(total()).toBe(4000)
      for (const one of relayed()) expect(one).toBeGreaterThan(0)
    })

    test('one is killed in the middle of a batch: another goes on, and each message is handled once', async ({
      skip,
    }) => {
      const queue = unique('killed')
      const mq = await open(vhost.url, strategy(false) ?? skip(missing))
      const env = { AMQP_URL: vhost.url, ...environment() }
      const handled = await Handled.on(mq, queue)
      await scheduleMany(mq, queue, 5000, new Date(Date.now() + 15_000))
      const relays = [start(['relay', '--lease', '2s', '--json'], env)]
      await relays[0]!.printed(1)
      await poll(() => handled.times.size > 200, { what: 'some to be handled', timeoutMs: 30_000, intervalMs: 2 })
      relays[0]!.child.kill('SIGKILL')
      expect(handled.times.size).toBeLessThan(5000)
      relays.push(start(['relay', '--lease', '2s', '--json'], env))
      await handled.isAll(5000)
      relays[1]!.child.kill('SIGTERM')
      expect((await relays[1]!.ended).code).toBe(0)
      expect(await claimed()).toBe(0)
    })

    test('unreadable entries do not stop a relay: they stay, are counted and reported', async ({ skip }) => {
      const mq = await open(vhost.url, strategy() ?? skip(missing))
      const told: DuequeError[] = []
      mq.on('error', (error) => told.push(error))
      const queue = unique('poison')
      const handled = await Handled.on(mq, queue)
      onTestFinished(() => subject.unpoison())
      const field = fc.constantFrom('id', 'name', 'destination', 'dueAt', 'revision', 'attempt', 'headers', 'retryAt')
      const seeds = [fc.sample(fc.jsonValue(), 60), fc.sample(fc.dictionary(field, fc.jsonValue()), 60)].flat()
      await subject.poison([...seeds.map((one) => JSON.stringify(one)), '', 'junk', '{"destination":null}'])
      await scheduleMany(mq, queue, 100, new Date(Date.now() + 500))
      await handled.isAll(100)
      await poll(() => told.length > 0, { what: 'it to be told', timeoutMs: 10_000 })
      expect(told[0]).toMatchObject({ code: 'STORED_MESSAGE_UNREADABLE', data: { store: name } })
      expect(mq.health()).toMatchObject({ ok: true, stored: { missing: 0 } })
      expect(mq.health().stored!.unreadable).toBeGreaterThan(3)
      await poll(async () => (await claimed()) === 0, { what: 'them to be given back', timeoutMs: 10_000 })
    })

    test('RabbitMQ is killed and restarted while messages fall due: nothing is lost', async ({ skip }) => {
      const own = strategy() ?? skip(missing)
      const node = (await startNode({ management: false })) ?? skip('DUEQUE_RABBITMQ_BIN is not set')
      onTestFinished(() => node.stop())
      const queue = unique('node')
      const mq = await open(node.url, own)
      const handled = await Handled.on(mq, queue)
      const at = Date.now() + 10_000
      await Promise.all(
        Array.from({ length: 1000 }, (_, n) => mq.schedule(note, { n }, { to: { queue }, at: new Date(at + n * 10) })),
      )
      await poll(() => handled.times.size > 100, { what: 'some to be handled', timeoutMs: 30_000 })
      await node.kill()
      await poll(() => mq.health().producer !== 'up', { what: 'the loss to be noticed', timeoutMs: 10_000 })
      // A claim may be in flight. After it nothing is claimed, although a hundred messages a second become due.
      await pause(500)
      const held = await claimed()
      await pause(1500)
      expect(await claimed()).toBeLessThanOrEqual(held)
      await node.restart()
      await handled.isAll(1000)
      await poll(async () => (await claimed()) === 0, { what: 'all to be settled', timeoutMs: 10_000 })
    }, 180_000)
  })
}

const SILENCE_MS = 500

/** A server that stops answering, as behind a network cut: connections stay open, but no answer arrives. */
export async function bearsSilence(
  url: string,
  server: { readonly url: string },
  strategy: (url: string, timeoutMs: number) => StoreStrategy,
): Promise<void> {
  const proxy = await TcpProxy.to(server.url)
  onTestFinished(() => proxy.close())
  const mq = (await connect({ url, strategy: strategy(proxy.url(), SILENCE_MS) })) as Dueque & WaitingMethods
  onTestFinished(() => mq.close({ drainTimeoutMs: 500 }))
  const to = { queue: unique('silent') }
  const schedule = (n: number) => mq.schedule(note, { n }, { to, in: '1h', declare: true })
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const from = performance.now()
    await work()
    return performance.now() - from
  }
  await schedule(0)
  proxy.freeze()
  const calls = [
    () => schedule(1),
    () => schedule(2),
    () => mq.schedule(note, { n: 3 }, { to, in: '1h', onConflict: 'error' } as never),
    () => mq.cancel('any'),
    () => mq.count(),
  ]
  const took = await Promise.all(
    calls.map((call) => timed(async () => expect(await failure(call())).toMatchObject({ code: 'STORE_ERROR' }))),
  )
  for (const ms of took) expect(ms).toBeLessThan(SILENCE_MS * 6)
  expect(mq.health()).toMatchObject({ ok: false, store: 'down' })
  proxy.thaw()
  await poll(() => mq.health().store === 'up', { what: 'it to be up again', timeoutMs: 20_000 })
  await schedule(4)
  proxy.freeze()
  expect(await failure(schedule(5))).toMatchObject({ code: 'STORE_ERROR', outcome: 'unknown' })
  expect(await timed(() => mq.close())).toBeLessThan(8000)
}
