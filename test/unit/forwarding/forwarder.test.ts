import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Arrival } from '../../../src/broker.js'
import type { Decision, Route } from '../../../src/forwarding/forward.js'
import { Forwarder, type ForwarderSettings } from '../../../src/forwarding/forwarder.js'
import { manualClock, type ManualClock } from '../../../src/index.js'
import { MemoryQueue } from '../../../src/strategies/memory/memory-queue.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const START = Date.UTC(2026, 0, 1)
const settled = () => vi.advanceTimersByTimeAsync(0)

/** A queue with one message, which is forwarded by `route`. */
async function world(
  route: (arrival: Arrival, clock: ManualClock) => Route,
  settings: Partial<ForwarderSettings> = {},
) {
  const queue = new MemoryQueue()
  const clock = manualClock(START)
  const taken: Arrival[] = []
  const forwarder = new Forwarder({
    clock,
    route: (arrival) => {
      taken.push(arrival)
      return route(arrival, clock)
    },
    ...settings,
  })
  await forwarder.start((listener) => Promise.resolve(queue.subscribe(10, listener)))
  put(queue, 'a')
  await settled()
  return { queue, clock, taken, forwarder }
}

function put(queue: MemoryQueue, routingKey: string): void {
  queue.put({ body: Buffer.from('{}'), properties: {}, headers: {}, exchange: '', routingKey, redelivered: false })
}

const never = (error: unknown): never => {
  throw error
}
const deciding = (decide: Route['decide'], failed: Route['failed'] = never) => ({ decide, failed })
const publishing = (publish: () => Promise<unknown>): Decision => ({ kind: 'forward', publish })

test('a message is acked when its new copy is confirmed, not before', async () => {
  let confirm!: () => void
  const confirmed = new Promise<void>((resolve) => (confirm = resolve))
  const { taken } = await world(() => deciding(() => publishing(() => confirmed)))
  expect(taken[0]!.live).toBe(true)
  confirm()
  await settled()
  expect(taken[0]!.live).toBe(false)
})

test('a failed publish is repeated after a pause, and the message is not requeued', async () => {
  const failures: unknown[] = []
  let attempts = 0
  const publish = () => (++attempts < 3 ? Promise.reject(new Error(`no ${attempts}`)) : Promise.resolve())
  const { taken, queue } = await world(() =>
    deciding(
      () => publishing(publish),
      (error) => void failures.push((error as Error).message),
    ),
  )
  expect([attempts, failures]).toEqual([1, ['no 1']])
  await vi.advanceTimersByTimeAsync(999)
  expect(attempts).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(attempts).toBe(2)
  await vi.advanceTimersByTimeAsync(1000)
  expect([attempts, failures, taken.length, taken[0]!.live]).toEqual([3, ['no 1', 'no 2'], 1, false])
  expect(queue.messages()).toEqual([])
})

test('a decision that throws is repeated', async () => {
  let decisions = 0
  const decide = (): Decision => (++decisions === 1 ? never(new Error('not now')) : { kind: 'drop' })
  const { taken } = await world(() => deciding(decide, () => undefined))
  await vi.advanceTimersByTimeAsync(1000)
  expect([decisions, taken[0]!.live]).toEqual([2, false])
})

test('a failure can lead to another decision at once', async () => {
  const done: string[] = []
  const bury: Decision = { kind: 'bury', publish: async () => Promise.resolve(void done.push('buried')) }
  const refused = () => Promise.reject(new Error('refused'))
  const route = deciding(
    () => publishing(refused),
    (_, decision) => (decision?.kind === 'forward' ? bury : undefined),
  )
  const { taken } = await world(() => route)
  expect([done, taken[0]!.live]).toEqual([['buried'], false])
})

test('a dropped message is acked without a publish', async () => {
  const { taken, queue } = await world(() => deciding(() => ({ kind: 'drop' })))
  expect([taken.length, taken[0]!.live, queue.messages()]).toEqual([1, false, []])
})

test('a held message is decided again when its time has come, not before', async () => {
  const times: number[] = []
  const { clock, taken } = await world((_, clock) =>
    deciding(() => {
      times.push(clock.now() - START)
      return times.length === 1 ? { kind: 'hold', until: START + 500 } : { kind: 'drop' }
    }),
  )
  clock.advance(499)
  await settled()
  expect(times).toEqual([0])
  clock.advance(1)
  await settled()
  expect([times, taken[0]!.live]).toEqual([[0, 500], false])
})

test('close requeues paused and held messages', async () => {
  const decisions: Decision[] = [
    { kind: 'hold', until: START + 500 },
    publishing(() => Promise.reject(new Error('no'))),
    { kind: 'give back', pauseMs: 5000 },
  ]
  const { queue, forwarder } = await world(() =>
    deciding(
      () => decisions.shift()!,
      () => undefined,
    ),
  )
  put(queue, 'b')
  put(queue, 'c')
  await settled()
  expect(queue.messages()).toEqual([])
  await forwarder.close()
  expect(
    queue
      .messages()
      .map(({ routingKey }) => routingKey)
      .sort(),
  ).toEqual(['a', 'b', 'c'])
})

test('close waits for a publish in flight, but not forever', async () => {
  let confirm!: () => void
  const confirmed = new Promise<void>((resolve) => (confirm = resolve))
  const { taken, queue, forwarder } = await world(
    (arrival) => deciding(() => publishing(() => (arrival.routingKey === 'a' ? confirmed : new Promise(() => 0)))),
    { closeMs: 800 },
  )
  put(queue, 'b')
  let isClosed = false
  void forwarder.close().then(() => (isClosed = true))
  confirm()
  await vi.advanceTimersByTimeAsync(799)
  expect(isClosed).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(isClosed).toBe(true)
  expect(taken[0]!.live).toBe(false)
  expect(queue.messages().map(({ routingKey }) => routingKey)).toEqual(['b'])
})

test('a message that the broker has taken back is left alone', async () => {
  let attempts = 0
  const fails = () => Promise.reject(new Error(`no ${++attempts}`))
  const { taken } = await world(() =>
    deciding(
      () => publishing(fails),
      () => undefined,
    ),
  )
  // As the broker does after a lost channel.
  taken[0]!.ack()
  await vi.advanceTimersByTimeAsync(5000)
  expect(attempts).toBe(1)
})

test('if too many messages pause, the oldest goes on', async () => {
  const attempts: string[] = []
  const route = ({ routingKey }: Arrival) => {
    const publish = () => {
      attempts.push(routingKey)
      return attempts.length <= 2 ? Promise.reject(new Error('no')) : Promise.resolve()
    }
    return deciding(
      () => publishing(publish),
      () => undefined,
    )
  }
  const { queue } = await world(route, { maxPausing: 1 })
  expect(attempts).toEqual(['a'])
  put(queue, 'b')
  await settled()
  expect(attempts).toEqual(['a', 'b', 'a'])
})
