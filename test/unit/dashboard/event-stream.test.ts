import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventStream } from '../../../src/dashboard/event-stream.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type Send = (event: string, data: unknown) => void

function open({ mayLook = () => Promise.resolve(true) } = {}) {
  const closing = new AbortController()
  const stop = vi.fn()
  let send: Send = () => undefined
  const start = (given: Send) => {
    send = given
    return stop
  }
  const reader = eventStream({ start, mayLook, closing: closing.signal }).getReader()
  const next = async () => {
    const { value, done } = await reader.read()
    return done ? 'end' : Buffer.from(value).toString()
  }
  return { closing, stop, reader, next, send: (event: string, data: unknown) => send(event, data) }
}

test('events are sent as a viewer reads them, and a beat when it is quiet', async () => {
  const { send, next, stop } = open()
  send('overview', { a: 'x\ny' })
  expect(await next()).toBe('event: overview\ndata: {"a":"x\\ny"}\n\n')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await next()).toBe('event: beat\ndata: {}\n\n')
  expect(stop).not.toHaveBeenCalled()
})

test('nothing is left of a viewer who leaves', async () => {
  const { reader, stop, send } = open()
  await reader.cancel()
  expect(stop).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
  send('overview', {})
})

test('a viewer who does not read is given up', async () => {
  const { send, stop, reader } = open()
  for (let i = 0; i < 100; i++) send('overview', { i })
  expect(stop).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
  await expect(reader.read()).rejects.toThrow('does not read')
})

test('after a minute a viewer is asked to connect again, so that its login is asked again', async () => {
  const { next, stop } = open()
  await vi.advanceTimersByTimeAsync(59_999)
  expect(stop).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  const events = await Promise.all(Array.from({ length: 7 }, next))
  expect(events.slice(4)).toEqual(['event: beat\ndata: {}\n\n', 'event: again\ndata: {}\n\n', 'end'])
  expect(stop).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
})

test('the stream ends when the dashboard is closed', async () => {
  const { closing, next, stop } = open()
  closing.abort()
  expect(await next()).toBe('end')
  expect(stop).toHaveBeenCalledOnce()
})

test('a stream of a closed dashboard ends at once', async () => {
  const start = vi.fn()
  const reader = eventStream({ start, mayLook: () => Promise.resolve(true), closing: AbortSignal.abort() }).getReader()
  expect((await reader.read()).done).toBe(true)
  expect(start).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

test.each([
  ['may not look any more', () => Promise.resolve(false)],
  ['cannot be asked about', () => Promise.reject(new Error('away'))],
])('the stream of a viewer who %s ends', async (_, mayLook) => {
  const { next, stop } = open({ mayLook })
  const ended = next()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await ended).toBe('end')
  expect(stop).toHaveBeenCalledOnce()
})
