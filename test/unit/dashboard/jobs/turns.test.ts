import { expect, test, vi } from 'vitest'
import { Turns } from '../../../../src/dashboard/jobs/turns.js'

const { signal } = new AbortController()

test('works on one queue come one after another, also after one that failed; those on another queue do not wait', async () => {
  const turns = new Turns()
  const done: string[] = []
  let end: () => void = () => undefined
  const first = turns.take('a', signal, () => new Promise<void>((_, reject) => (end = () => reject(new Error('no')))))
  const second = turns.look('a', () => Promise.resolve(done.push('a')))
  await turns.look('b', () => Promise.resolve(done.push('b')))
  expect(done).toEqual(['b'])
  end()
  await expect(first).rejects.toThrow('no')
  await second
  expect(done).toEqual(['b', 'a'])
})

test('a look gives up behind a long work, and is not done later', async () => {
  vi.useFakeTimers()
  try {
    const turns = new Turns()
    let end: () => void = () => undefined
    const long = turns.take('a', signal, () => new Promise<void>((resolve) => (end = resolve)))
    const work = vi.fn(() => Promise.resolve())
    const look = expect(turns.look('a', work)).rejects.toMatchObject({ status: 409, code: 'BUSY' })
    await vi.advanceTimersByTimeAsync(5000)
    await look
    end()
    await long
    await turns.take('a', signal, () => Promise.resolve())
    expect(work).not.toHaveBeenCalled()
  } finally {
    vi.useRealTimers()
  }
})

test('a work that is stopped while it waits for its turn is not begun, and the next one is', async () => {
  const turns = new Turns()
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const first = turns.take('a', signal, () => ended)
  const stop = new AbortController()
  const work = vi.fn(() => Promise.resolve())
  const stopped = expect(turns.take('a', stop.signal, work)).rejects.toThrow('stopped')
  const next = turns.take('a', signal, () => Promise.resolve('next'))
  stop.abort(new Error('stopped'))
  end()
  await first
  await stopped
  expect(await next).toBe('next')
  expect(work).not.toHaveBeenCalled()
})
