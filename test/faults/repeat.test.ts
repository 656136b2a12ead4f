import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { ladder, on, type DuequeError, type Receipt } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { depth, holds } from '../support/parked.js'
import { note, unique } from '../strategies/recorder.js'

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()
/** Less what has passed it is one rung, which a first message has declared: the next goes onto the wire. */
const DELAY_MS = 10_000

/** A producer whose network may fall silent, and a consumer whose network does not. */
async function parties() {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const queue = unique('repeat')
  const strategy = ladder({ tolerance: () => 1000 })
  const producer = await open(proxy.url(), { strategy, publishTimeoutMs: 5000, heartbeatSeconds: 60 })
  const handled: number[] = []
  const patient = await open(vhost.url)
  const consumer = await patient.consume(queue, [on(note, ({ payload }) => void handled.push(payload.n))])
  const slowly = { timeoutMs: 60_000, what: 'a schedule that is confirmed' }
  await poll(() => producer.schedule(note, { n: 0 }, { to: { queue }, in: DELAY_MS }), slowly)
  let at = new Date()
  let receipt: Receipt | undefined
  const schedule = () => producer.schedule(note, { n: 7 }, { to: { queue }, at, id: 'appointment-42', repeat: receipt })
  /** The first schedule, into a silent network. */
  const tryInVain = async () => {
    proxy.freeze()
    at = new Date(Date.now() + DELAY_MS)
    const start = performance.now()
    const error = await failure(schedule())
    expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'unknown', receipt: { id: 'appointment-42' } })
    receipt = (error as DuequeError).receipt
    expect(performance.now() - start).toBeLessThan(20_000)
    return at
  }
  const repeat = () => poll(schedule, slowly)
  const count = (n: number) => handled.filter((one) => one === n).length
  return { proxy, producer, consumer, repeat, tryInVain, count }
}

test('a schedule of unknown outcome is repeated after it reached the broker: both copies arrive, one is handled', async () => {
  const { proxy, consumer, repeat, tryInVain, count } = await parties()
  await tryInVain()
  proxy.thaw()
  const again = await repeat()
  expect(again.id).toBe('appointment-42')
  await poll(() => consumer.stats().suppressed >= 1, { what: 'the copy to be suppressed', timeoutMs: 60_000 })
  expect(count(7)).toBe(1)
  await poll(() => count(0) > 0, { what: 'the other message', timeoutMs: 30_000 })
})

test('a schedule of unknown outcome is repeated after it was lost: the repetition arrives', async () => {
  const { proxy, producer, repeat, tryInVain, count } = await parties()
  const at = await tryInVain()
  proxy.refuse()
  proxy.cut()
  proxy.thaw()
  await proxy.listen()
  await poll(() => producer.health().ok, { what: 'the connection to come back', timeoutMs: 30_000 })
  await repeat()
  await poll(() => count(7) > 0, { what: 'the message', timeoutMs: 60_000 })
  expect(Date.now()).toBeGreaterThanOrEqual(at.getTime())
  await poll(() => count(0) > 0, { what: 'the other message', timeoutMs: 30_000 })
  expect(count(7)).toBe(1)
})

test('a message dead-lettered while the broker accepts nothing is in the dead queue once, not once for each try', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const queue = unique('dead')
  const mq = await open(proxy.url(), { publishTimeoutMs: 1500, heartbeatSeconds: 60 })
  let fail = () => undefined as void
  let running = 0
  const handler = on(note, ({ payload }) => {
    running = payload.n
    return new Promise<void>((_, reject) => (fail = () => reject(new Error('no room'))))
  })
  const consumer = await mq.consume(queue, [handler])
  const producer = await open(vhost.url)
  const runs = async (n: number) => {
    await producer.schedule(note, { n }, { to: { queue }, in: 0 })
    await poll(() => running === n, { what: 'the handler to run', timeoutMs: 30_000 })
  }
  const channel = await rawChannel(vhost.url)
  // The first move declares the topology: the next one only publishes.
  await runs(1)
  fail()
  await poll(() => consumer.stats().dead === 1, { what: 'the first move', timeoutMs: 30_000 })
  await runs(2)
  proxy.freeze()
  fail()
  // Four tries, if each ended by its time-out.
  await sleep(6000)
  expect(consumer.stats()).toMatchObject({ running: 1, dead: 1 })
  proxy.thaw()
  await poll(() => consumer.stats().dead === 2, { what: 'the move', timeoutMs: 60_000 })
  await holds(channel, `${queue}.dead`, 2)
  await sleep(500)
  expect(await depth(channel, `${queue}.dead`)).toBe(2)
})
