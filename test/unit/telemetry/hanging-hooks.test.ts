import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HangingHooks } from '../../../src/telemetry/hanging-hooks.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const never = new Promise<never>(() => undefined)

function watcher() {
  const reports: string[] = []
  const rejected: unknown[] = []
  const hooks = new HangingHooks((hook) => reports.push(hook))
  const watch = (hook: string, returned: Promise<unknown>, outcome: Promise<unknown> = Promise.resolve()) =>
    hooks.watch(hook, returned, outcome, (error) => rejected.push(error))
  return { watch, reports, rejected }
}

describe('a promise of a hook', () => {
  it('that is pending 30 s after the outcome is reported once', async () => {
    const { watch, reports } = watcher()
    watch('process', never)
    await vi.advanceTimersByTimeAsync(29_000)
    expect(reports).toEqual([])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(reports).toEqual(['process'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that settles within that time is not, however it settles', async () => {
    const { watch, reports, rejected } = watcher()
    const error = new Error('hook')
    let end: () => void
    watch('process', new Promise<void>((resolve) => (end = resolve)))
    watch('process', Promise.reject(error))
    await vi.advanceTimersByTimeAsync(20_000)
    end!()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([reports, rejected]).toEqual([[], [error]])
  })

  it('is not kept before the outcome, which may never be known', async () => {
    const { watch, reports } = watcher()
    watch('bulk', never, never)
    await vi.advanceTimersByTimeAsync(1)
    expect(vi.getTimerCount()).toBe(0)
    expect(reports).toEqual([])
  })

  it('is kept for 100 runs of a hook at a time, and no other hook counts', async () => {
    const { watch, reports } = watcher()
    for (let n = 0; n < 500; n++) watch('process', never)
    watch('cancel', never)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(reports.filter((hook) => hook === 'process')).toHaveLength(100)
    expect(reports.filter((hook) => hook === 'cancel')).toHaveLength(1)
  })
})
