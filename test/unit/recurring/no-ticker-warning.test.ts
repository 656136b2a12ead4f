import { expect, it, vi } from 'vitest'
import { silent } from '../../../src/base/logger.js'
import { NoTickerWarning } from '../../../src/recurring/no-ticker-warning.js'

it.each<[string, () => Promise<number | undefined>, number]>([
  ['no ticker runs', () => Promise.resolve(0), 1],
  ['one runs', () => Promise.resolve(1), 0],
  ['nobody knows', () => Promise.resolve(undefined), 0],
  ['the connection is closed', () => Promise.reject(new Error('closed')), 0],
])('a process that sets recurring messages, and %s', async (_what, tickers, warnings) => {
  const counted = vi.fn(tickers)
  const warn = vi.fn()
  const warning = new NoTickerWarning(counted, { ...silent, warn }, 5)
  for (let n = 0; n < 3; n++) warning.lookLater()
  await vi.waitFor(() => expect(counted).toHaveBeenCalled())
  await Promise.resolve()
  expect([counted.mock.calls.length, warn.mock.calls.length]).toEqual([1, warnings])
})
