import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { connect, on } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { failure, open } from '../support/mq.js'
import { openSockets } from '../support/sockets.js'
import { note, scheduleNotes, unique } from '../strategies/recorder.js'
import { AtWork } from './at-work.js'

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()

async function newProxy(): Promise<TcpProxy> {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  return proxy
}

test('cut three times: every schedule is confirmed, each message is handled once, none early', async () => {
  const proxy = await newProxy()
  const work = await AtWork.start(proxy.url())
  for (const time of ['first', 'second', 'third']) {
    proxy.cut()
    await work.flows(`after the ${time} cut`)
  }
  await work.account()
  expect(work.load.failures).toEqual([])
  expect(work.events).toEqual(expect.arrayContaining(['disconnected', 'reconnected']))
  expect(work.mq.health().ok).toBe(true)
})

test('cut with a logger that throws: the connection still recovers', async () => {
  const proxy = await newProxy()
  const queue = unique('logger')
  const fail = () => {
    throw new Error('the log is full')
  }
  const mq = await open(proxy.url(), { logger: { debug: fail, info: fail, warn: fail, error: fail } })
  const handled: number[] = []
  await mq.consume(queue, [on(note, ({ payload: { n } }) => (n === 0 ? fail() : handled.push(n)))])
  await mq.schedule(note, { n: 0 }, { to: { queue }, in: 0 })
  proxy.cut()
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
  await poll(() => handled.includes(1), { what: 'a message after the cut', timeoutMs: 60_000 })
})

test('silent without a close: the heartbeat detects it, and everything goes on when the network is back', async () => {
  const proxy = await newProxy()
  const work = await AtWork.start(proxy.url(), { heartbeatSeconds: 2, connectTimeoutMs: 2000 })
  proxy.freeze()
  await poll(() => work.mq.health().producer === 'down' && work.mq.health().consumer === 'down', {
    what: 'the silence to be noticed',
    timeoutMs: 60_000,
  })
  expect(work.events).toContain('disconnected')
  // The broker also receives bytes of the dead connections now.
  proxy.thaw()
  await work.flows('after the silence')
  await work.account()
  expect(work.load.failures).toEqual([])
  expect(work.events).toContain('reconnected')
  // Two are in use.
  await poll(() => openSockets(proxy.port) === 2, { what: 'the dead sockets to be closed', timeoutMs: 30_000 })
})

test('a dead connection leaves no socket behind, although its close is not answered', async () => {
  const proxy = await newProxy()
  const mq = await open(proxy.url(), { heartbeatSeconds: 1, connectTimeoutMs: 1000 })
  proxy.freeze()
  await poll(() => mq.health().producer === 'down', { what: 'the silence to be noticed', timeoutMs: 60_000 })
  proxy.refuse()
  await poll(() => openSockets(proxy.port) === 0, { what: 'the dead socket to be closed', timeoutMs: 30_000 })
})

test('refused for longer than publishTimeoutMs: schedules fail in time as refused, later ones go through', async () => {
  const proxy = await newProxy()
  const queue = unique('refused')
  const mq = await open(proxy.url(), { publishTimeoutMs: 1500 })
  const goesThrough = () =>
    poll(() => scheduleNotes(mq, queue, [10]), { what: 'a schedule that is confirmed', timeoutMs: 60_000 })
  await goesThrough()
  proxy.refuse()
  proxy.cut()
  await poll(() => mq.health().producer === 'down', { what: 'the cut to be noticed', timeoutMs: 30_000 })
  const start = performance.now()
  const error = await failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: 10 }))
  expect(performance.now() - start).toBeLessThan(10_000)
  expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'refused' })
  await proxy.listen()
  await poll(() => mq.health().ok, { what: 'the connection to come back', timeoutMs: 30_000 })
  await goesThrough()
})

test('slow, 100 ms each way: nothing fails, nothing is handled twice', async () => {
  const proxy = await newProxy()
  const work = await AtWork.start(proxy.url())
  proxy.latencyMs = 100
  await work.flows('over the slow network')
  await work.account()
  expect(work.load.failures).toEqual([])
})

test('silent from the start: connect fails within connectTimeoutMs', async () => {
  const proxy = await newProxy()
  proxy.freeze()
  const start = performance.now()
  const error = await failure(connect({ url: proxy.url(), connectTimeoutMs: 1000 }))
  expect(performance.now() - start).toBeLessThan(15_000)
  expect(error).toMatchObject({ code: 'UNREACHABLE' })
})

test('silent during close: close still resolves', async () => {
  const proxy = await newProxy()
  const mq = await connect({ url: proxy.url(), publishTimeoutMs: 5000, heartbeatSeconds: 0 })
  await mq.consume(unique('end'), [on(note, () => undefined)])
  proxy.freeze()
  const start = performance.now()
  await mq.close({ drainTimeoutMs: 1000 })
  expect(performance.now() - start).toBeLessThan(45_000)
  expect(openSockets(proxy.port)).toBe(0)
})
