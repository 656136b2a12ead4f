import { afterEach, describe, expect, it, vi } from 'vitest'
import { resolveRetry, type RetryPolicy } from '../../../src/consumer/retry.js'
import { thrown } from '../thrown.js'

afterEach(() => void vi.restoreAllMocks())

const delays = (policy: RetryPolicy, failures = 5) => {
  const { delayMs } = resolveRetry(policy)
  return Array.from({ length: failures }, (_, i) => delayMs(i + 1))
}

describe('the delay after each failure', () => {
  it.each<[string, RetryPolicy, number[]]>([
    ['fixed', { backoff: '30s' }, [30_000, 30_000, 30_000, 30_000, 30_000]],
    ['fixed, in milliseconds', { backoff: 250 }, [250, 250, 250, 250, 250]],
    ['a list whose last one repeats', { backoff: ['1s', '10s', '1m'] }, [1000, 10_000, 60_000, 60_000, 60_000]],
    ['exponential', { backoff: {}, jitter: 'none' }, [1000, 2000, 4000, 8000, 16_000]],
    [
      'exponential with a cap',
      { backoff: { initial: '5s', factor: 3, max: '1m' }, jitter: 'none' },
      [5000, 15_000, 45_000, 60_000, 60_000],
    ],
    ['nothing', { backoff: { initial: 0 }, jitter: 'none' }, [0, 0, 0, 0, 0]],
  ])('%s', (_, policy, expected) => {
    expect(delays(policy)).toEqual(expected)
  })

  it('by default is exponential with full jitter, from zero to the ceiling', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    expect(delays({})).toEqual([0, 0, 0, 0, 0])
    vi.mocked(Math.random).mockReturnValue(0.5)
    expect(delays({})).toEqual([500, 1000, 2000, 4000, 8000])
    expect(delays({ backoff: '10s', jitter: 'full' }, 2)).toEqual([5000, 5000])
    expect(delays({ backoff: ['10s', '20s'], jitter: 'full' }, 2)).toEqual([5000, 10_000])
  })

  it('stays at the cap however often it failed', () => {
    const { delayMs } = resolveRetry({ jitter: 'none' })
    expect(delayMs(5000)).toBe(3_600_000)
    expect(resolveRetry({ jitter: 'none', backoff: { initial: 0 } }).delayMs(5000)).toBe(0)
  })
})

it('is one attempt without a policy, five with an empty one', () => {
  expect(resolveRetry().attempts).toBe(1)
  expect(resolveRetry({}).attempts).toBe(5)
  expect(resolveRetry({}).retryable(new Error())).toBe(true)
})

it.each<[string, unknown]>([
  ['retry', 5],
  ['retry', null],
  ['retry.attempts', { attempts: 0 }],
  ['retry.attempts', { attempts: 1.5 }],
  ['retry.attempts', { attempts: '5' }],
  ['retry.jitter', { jitter: 'some' }],
  ['retry.retryable', { retryable: true }],
  ['retry.backoff', { backoff: [] }],
  ['retry.backoff.factor', { backoff: { factor: 0.5 } }],
])('%s may not be as in %o', (option, policy) => {
  expect(thrown(() => resolveRetry(policy as RetryPolicy))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
})

it.each([
  [{ backoff: 'soon' }],
  [{ backoff: ['1s', -1] }],
  [{ backoff: { initial: 'x' } }],
  [{ backoff: { max: NaN } }],
])('an invalid delay is refused: %o', (policy) => {
  expect(thrown(() => resolveRetry(policy))).toMatchObject({ code: 'INVALID_DUE' })
})
