import { describe, expect, it } from 'vitest'
import type { DelayedMessage } from '../../../src/message/delayed-message.js'
import { withDue } from '../../../src/schedule/replacement.js'

const message: DelayedMessage = {
  ...{ id: 'x', name: 'job', version: 1, body: Buffer.from('1'), destination: { queue: 'q' }, dueAt: 5000 },
  ...{ scheduledAt: 0, revision: 7, attempt: 1, headers: { own: 1 } },
  ...{ expiresAt: undefined, priority: 3, correlationId: 'c', dedupeKey: 'k' },
}

describe('a waiting message with another due time', () => {
  it('is otherwise what it was', () => {
    expect(withDue(message, 9000)).toEqual({ ...message, dueAt: 9000, retryAt: undefined })
  })

  it.each([
    [6000, 9000, 10_000],
    [6000, 1000, 2000],
    // A message that would expire before its due time is of use until then.
    [4000, 9000, 9000],
  ])('keeps the distance of its expiry %d at the due time %d: %d', (expiresAt, dueAt, shifted) => {
    expect(withDue({ ...message, expiresAt }, dueAt).expiresAt).toBe(shifted)
  })

  it('has no time of a retry any more, also as a header of the arrival that it was', () => {
    const headers = { own: 1, 'dueque-retry-at': 8000, 'dueque-put-backs': 1 }
    const moved = withDue({ ...message, attempt: 2, retryAt: 8000, headers }, 6000)
    expect(moved).toMatchObject({ attempt: 2, retryAt: undefined, dueAt: 6000 })
    expect(moved.headers).toEqual({ own: 1, 'dueque-put-backs': 1 })
  })
})
