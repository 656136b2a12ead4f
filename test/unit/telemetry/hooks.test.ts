import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.js'
import { Events } from '../../../src/events.js'
import type { ProcessInfo, Telemetry } from '../../../src/index.js'
import { TelemetryHooks } from '../../../src/telemetry/hooks.js'
import { logger, settled } from './world.js'

type Hook = (run: () => Promise<void>) => unknown

/** Runs inside one hook of each telemetry. */
function hooked(...all: Hook[]) {
  const log = logger()
  const onError = vi.fn()
  const telemetries = all.map((hook): Telemetry => ({ process: (_, run) => hook(run) }))
  const hooks = new TelemetryHooks(telemetries, { clock: systemClock, logger: log, onError })
  return { log, onError, run: (run: () => Promise<void>) => hooks.process({} as ProcessInfo, run) }
}

describe('a hook', () => {
  const never = new Promise(() => undefined)
  it.each<[string, Hook, boolean]>([
    ['returns the promise of run', (run) => run(), false],
    ['does not return it', (run) => void run(), false],
    ['is asynchronous', async (run) => await run(), false],
    ['calls run twice', (run) => [run(), run()], false],
    ['does not call run', () => undefined, false],
    ['calls run too late', (run) => Promise.resolve().then(run), false],
    ['never ends', (run) => (void run(), never), false],
    [
      'throws before run',
      () => {
        throw new Error('hook')
      },
      true,
    ],
    [
      'throws after run',
      (run) => {
        void run()
        throw new Error('hook')
      },
      true,
    ],
    ['rejects before run', () => Promise.reject(new Error('hook')), true],
    ['rejects after run', (run) => run().then(() => Promise.reject(new Error('hook'))), true],
    ['returns no promise', (run) => (void run(), { then: 5 }), false],
  ])('that %s changes neither the outcome nor how often it runs', async (_, hook, isReported) => {
    const { run, log, onError } = hooked(hook)
    const outcome = Promise.resolve()
    const once = vi.fn(() => outcome)
    await run(once)
    await settled()
    expect(once).toHaveBeenCalledOnce()
    expect(log.error.mock.calls).toEqual(
      isReported ? [['a telemetry hook failed', { hook: 'process', error: 'hook' }]] : [],
    )
    expect(onError.mock.calls.flat()).toMatchObject(
      isReported ? [{ code: 'TELEMETRY_FAILED', data: { hook: 'process' }, cause: { message: 'hook' } }] : [],
    )
  })

  it.each<[string, Hook, boolean]>([
    ['passes on the rejection of run', async (run) => await run(), false],
    ['hides it', (run) => run().catch(() => 'hidden'), false],
    ['replaces it', (run) => run().catch(() => Promise.reject(new Error('other'))), true],
    ['does not look at it', (run) => void run(), false],
  ])('that %s leaves the rejection as it is', async (_, hook, isReported) => {
    const { run, onError } = hooked(hook)
    const own = new Error('own')
    await expect(run(() => Promise.reject(own))).rejects.toBe(own)
    await settled()
    expect(onError).toHaveBeenCalledTimes(isReported ? 1 : 0)
  })

  it('is reported once, however often it throws, and logged once a minute', async () => {
    const { run, log, onError } = hooked(() => {
      throw new Error('hook')
    })
    for (let n = 0; n < 5; n++) await run(() => Promise.resolve())
    expect([onError.mock.calls.length, log.error.mock.calls.length]).toEqual([1, 1])
  })

  it('that is a listener, and rejects, is reported once, and logged once a minute', async () => {
    const [log, onError] = [logger(), vi.fn()]
    const unblocked = () => Promise.reject(new Error('listener')) as unknown as undefined
    const hooks = new TelemetryHooks([{ events: { unblocked } }], { clock: systemClock, logger: log, onError })
    const events = new Events(log)
    for (const listeners of hooks.listeners()) events.on('unblocked', listeners.unblocked!)
    for (let n = 0; n < 5; n++) events.emit('unblocked')
    await settled()
    expect([onError.mock.calls.length, log.error.mock.calls.length]).toEqual([1, 1])
  })

  it('that never ends is reported once the outcome is known for 30 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    let end!: () => void
    const { run, onError } = hooked(
      () => never,
      async (inside) => await inside(),
    )
    const running = run(() => new Promise((resolve) => (end = resolve)))
    await vi.advanceTimersByTimeAsync(120_000)
    expect(onError).not.toHaveBeenCalled()
    end()
    await running
    await vi.advanceTimersByTimeAsync(60_000)
    expect(onError.mock.calls.flat()).toMatchObject([{ code: 'TELEMETRY_FAILED', data: { hook: 'process' } }])
  })

  it('of the first telemetry is the outermost, and a fault of one harms no other', async () => {
    const order: string[] = []
    const noting =
      (name: string): Hook =>
      async (run) => {
        order.push(`${name} begins`)
        await run()
        order.push(`${name} ends`)
      }
    const broken: Hook = () => {
      throw new Error('hook')
    }
    const { run } = hooked(noting('first'), broken, noting('second'))
    await run(() => Promise.resolve(void order.push('run')))
    await settled()
    expect(order).toEqual(['first begins', 'second begins', 'run', 'second ends', 'first ends'])
  })
})
