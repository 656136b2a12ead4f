import { expect, it, onTestFinished, vi } from 'vitest'
import { resolveLogger } from '../../../src/base/logger.js'
import { DuequeError, manualClock, type DelayedMessage } from '../../../src/index.js'
import { ActiveTicker } from '../../../src/recurring/active-ticker.js'
import type { SentTicks } from '../../../src/recurring/send-missing-ticks.js'
import { readMark } from '../../../src/recurring/ticker-marks.js'
import { TICKER_TIMES } from '../../../src/recurring/ticker-times.js'
import { arrivalOf } from './arrival.js'
import { HOUR, settled, START, TICKS } from './world.js'

function world(
  repair: (stopIf: () => void) => Promise<unknown> = () => Promise.resolve(),
  publish: () => Promise<void> = () => Promise.resolve(),
  sent: SentTicks = { sent: 1, waiting: 0 },
  graceMs = 0,
) {
  const clock = manualClock(START)
  const closing = new AbortController()
  const log: string[] = []
  let forgotten = 0
  const published: DelayedMessage[] = []
  const ticker = new ActiveTicker({
    ...{ queue: TICKS, clock, logger: resolveLogger(false), closing: closing.signal },
    times: { ...TICKER_TIMES, graceMs },
    onError: () => log.push('error'),
    standstill: { succeeded: () => log.push('succeeded'), failed: () => log.push('failed') },
    stepBack: () => log.push('step back'),
    forget: () => forgotten++,
    publish: (message) => {
      published.push(message)
      log.push(`publish ${readMark(message)!.kind}`)
      return publish()
    },
    repair: async (stopIf) => {
      log.push('repair')
      await repair(stopIf)
      return sent
    },
  })
  onTestFinished(() => {
    closing.abort()
    ticker.close()
  })
  const arrival = (name: string) => arrivalOf(log, name)
  return { ticker, clock, log, arrival, published, closing, forgotten: () => forgotten }
}

it('a ticker that gets a hello and has no bookmark repairs, and publishes one before it acks the hello', async () => {
  const { ticker, log, arrival, published } = world()
  ticker.subscribed()
  ticker.helloArrived(arrival('hello'))
  ticker.helloArrived(arrival('another'))
  await settled()
  expect(log).toEqual(['publish hello', 'repair', 'ack another', 'publish bookmark', 'ack hello'])
  expect(readMark(published[1]!)).toEqual({ kind: 'bookmark', repairedAt: START })
  expect(ticker.repairedAt).toBeUndefined()
  ticker.bookmarkArrived(arrival('bookmark'), START)
  ticker.helloArrived(arrival('later'))
  expect(log.slice(5)).toEqual(['ack later'])
  expect(ticker.repairedAt).toBe(START)
})

it('repairs nothing if the bookmark of a predecessor that closes comes behind a hello', async () => {
  const { ticker, clock, log, arrival } = world(undefined, undefined, undefined, 1000)
  ticker.helloArrived(arrival('hello'))
  clock.advance(999)
  await settled()
  ticker.bookmarkArrived(arrival('bookmark'), START)
  clock.advance(1)
  await settled()
  expect([log, ticker.repairedAt]).toEqual([['ack hello'], START])
})

it('keeps the newest bookmark', async () => {
  const { ticker, log, arrival } = world()
  ticker.bookmarkArrived(arrival('old'), START)
  ticker.bookmarkArrived(arrival('new'), START + 1)
  ticker.bookmarkArrived(arrival('older'), START)
  await settled()
  expect(log).toEqual(['ack old', 'ack older'])
})

it('forgets what it has handled when it takes over after another ticker has repaired', async () => {
  const { ticker, clock, arrival, forgotten } = world()
  const take = (repairedAt: number) => {
    const bookmark = arrival('bookmark')
    ticker.bookmarkArrived(bookmark, repairedAt)
    bookmark.live = false
    return forgotten()
  }
  expect(take(START)).toBe(1)
  // Its own again, or that of a predecessor which has not repaired.
  expect(take(START)).toBe(1)
  // Of its own repair, also if that bookmark comes on another connection.
  clock.advance(HOUR)
  const hello = arrival('hello')
  ticker.helloArrived(hello)
  await settled()
  ticker.subscribed()
  expect(take(START + HOUR)).toBe(1)
  expect(take(START + HOUR + 5)).toBe(2)
})

it.each([
  ['its own, at once', 0, HOUR, 0],
  ['one that it took over, when the occurrences of the predecessor are due', HOUR, 371_000, 371_000],
  ['one that it took over half an hour too late, at once', 1.5 * HOUR, 0, 0],
])('repairs when the bookmark is an hour old: %s', async (_, takenOverMs, dueMs, quietMs) => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { ticker, clock, log, arrival } = world()
  ticker.subscribed()
  clock.advance(takenOverMs)
  ticker.bookmarkArrived(arrival('bookmark'), START)
  const look = async (ms: number) => {
    clock.advance(ms)
    vi.advanceTimersByTime(300_000)
    await settled()
    return log.includes('repair')
  }
  if (quietMs > 0) expect(await look(quietMs - 1)).toBe(false)
  expect(await look(dueMs - Math.max(quietMs - 1, 0))).toBe(true)
})

it('knows nothing of a bookmark that the broker has taken back', () => {
  const { ticker, arrival } = world()
  const bookmark = arrival('bookmark')
  ticker.bookmarkArrived(bookmark, START)
  expect(ticker.repairedAt).toBe(START)
  bookmark.live = false
  expect(ticker.repairedAt).toBeUndefined()
})

it('replaces the bookmark after many acks', async () => {
  const { ticker, log, arrival } = world()
  ticker.bookmarkArrived(arrival('bookmark'), START)
  for (let n = 0; n < 12_000; n++) ticker.acked()
  await settled()
  expect(log).toEqual(['publish bookmark'])
  ticker.bookmarkArrived(arrival('next'), START)
  expect(log.slice(1)).toEqual(['ack bookmark'])
})

it('replaces the bookmark while a repair is due and does not end', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { ticker, clock, log, arrival } = world(() => new Promise(() => undefined))
  ticker.subscribed()
  ticker.bookmarkArrived(arrival('bookmark'), START)
  clock.advance(HOUR)
  for (const round of [1, 2]) {
    vi.advanceTimersByTime(300_000)
    await settled()
    ticker.bookmarkArrived(arrival(`bookmark ${round}`), START)
  }
  expect(log.slice(1)).toEqual(['repair', 'publish bookmark', 'ack bookmark', 'publish bookmark', 'ack bookmark 1'])
})

it('repeats a repair that fails, until its hello is taken back', async () => {
  const repairs: ((stopIf: () => void) => void)[] = [
    () => {
      throw new Error('away')
    },
    (stopIf) => stopIf(),
  ]
  const { ticker, clock, log, arrival } = world((stopIf) => Promise.resolve(repairs.shift()!(stopIf)).then(() => 0))
  const hello = arrival('hello')
  ticker.helloArrived(hello)
  await settled()
  hello.live = false
  clock.advance(60_000)
  await settled()
  expect(log).toEqual(['repair', 'failed'])
  const next = arrival('next')
  ticker.helloArrived(next)
  await settled()
  expect(log).toEqual(['repair', 'failed', 'repair', 'publish bookmark', 'ack next'])
})

it('leaves bookmark and hello to the successor', async () => {
  const { ticker, log, arrival } = world(() => new Promise(() => undefined))
  ticker.helloArrived(arrival('hello'))
  ticker.giveBack()
  ticker.bookmarkArrived(arrival('bookmark'), START)
  ticker.giveBack()
  await settled()
  expect(log).toEqual(['repair', 'requeue hello', 'requeue bookmark'])
  expect(ticker.repairedAt).toBeUndefined()
})

it('repairs again if the bookmark of a repair was purged on its way', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { ticker, clock, log, arrival } = world()
  ticker.subscribed()
  ticker.helloArrived(arrival('hello'))
  await settled()
  ticker.helloArrived(arrival('at once'))
  expect(log.slice(1)).toEqual(['repair', 'publish bookmark', 'ack hello', 'ack at once'])
  clock.advance(300_000)
  vi.advanceTimersByTime(300_000)
  expect(log.slice(5)).toEqual(['publish hello'])
  ticker.helloArrived(arrival('later'))
  await settled()
  expect(log.slice(6)).toEqual(['repair', 'publish bookmark', 'ack later'])
})

it('ends a repair that is under way when it gives back its hello, and does not ack that', async () => {
  let end = (): void => undefined
  const { ticker, log, arrival } = world(() => new Promise((resolve) => (end = () => resolve(1))))
  ticker.helloArrived(arrival('hello'))
  ticker.giveBack()
  end()
  await settled()
  expect(log).toEqual(['repair', 'requeue hello'])
})

it('nor after it, while the bookmark is on its way', async () => {
  let end = (): void => undefined
  const { ticker, log, arrival } = world(undefined, () => new Promise((resolve) => (end = resolve)))
  ticker.helloArrived(arrival('hello'))
  await settled()
  ticker.giveBack()
  end()
  await settled()
  expect(log).toEqual(['repair', 'publish bookmark', 'requeue hello'])
})

it('steps back if it may not publish a bookmark', async () => {
  const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'write', resource: 'exchange' })
  const { ticker, log, arrival } = world(undefined, () => Promise.reject(denied))
  ticker.helloArrived(arrival('hello'))
  await settled()
  expect(log).toEqual(['repair', 'publish bookmark', 'step back', 'error', 'failed'])
})

it('repairs when it is told to, with a bookmark that replaces one of a clock that was ahead', async () => {
  const { ticker, log, arrival } = world()
  ticker.repairNow()
  expect(log).toEqual([])
  ticker.bookmarkArrived(arrival('ahead'), START + 24 * HOUR)
  await settled()
  ticker.repairNow()
  await settled()
  ticker.bookmarkArrived(arrival('next'), START)
  const repaired = ['repair', 'publish bookmark']
  expect(log).toEqual([...repaired, ...repaired, 'ack ahead'])
  expect(ticker.repairedAt).toBe(START)
})

it('takes a repair for a success only if a tick waits by it: a late one is handed over at once', async () => {
  const [late, early] = [
    world(undefined, undefined, { sent: 2, waiting: 0 }),
    world(undefined, undefined, { sent: 2, waiting: 1 }),
  ]
  for (const { ticker, arrival } of [late, early]) ticker.helloArrived(arrival('hello'))
  await settled()
  expect(late.log).toEqual(['repair', 'publish bookmark', 'ack hello'])
  expect(early.log).toEqual(['repair', 'succeeded', 'publish bookmark', 'ack hello'])
})
