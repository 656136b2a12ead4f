import { expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../../src/base/clock.js'
import { DuequeError } from '../../../../src/base/errors.js'
import { silent } from '../../../../src/base/logger.js'
import { unpublishableWait, Relay, type RelayEnvironment } from '../../../../src/strategies/store/relay.js'
import type { MessageStore } from '../../../../src/strategies/store/message-store.js'

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000]

it('retries messages that can never be published less and less often: thirty times on the first day', () => {
  let overdue = 0
  const waits: number[] = []
  while (overdue < 24 * HOUR) {
    const wait = unpublishableWait(overdue)
    waits.push(wait)
    overdue += wait
  }
  expect(waits.slice(0, 8).map((wait) => wait / MINUTE)).toEqual([1, 1, 2, 4, 8, 16, 32, 60])
  expect(waits.slice(7).every((wait) => wait === HOUR)).toBe(true)
  expect(waits).toHaveLength(30)
})

it.each([
  [-5 * SECOND, MINUTE],
  [30 * 24 * HOUR, HOUR],
])('waits at least a minute and at most an hour: %d ms overdue', (overdue, wait) => {
  expect(unpublishableWait(overdue)).toBe(wait)
})

it('postpones refused messages to a whole millisecond, which every store accepts', async () => {
  const message = { id: 'm', destination: { queue: 'full' }, dueAt: 1000 }
  const postpone = vi.fn<MessageStore['postpone']>(() => Promise.resolve())
  const claim = vi.fn<MessageStore['claim']>(() => Promise.resolve({ now: Date.now(), claimed: [], nextAt: undefined }))
  claim.mockResolvedValueOnce({ now: Date.now(), claimed: [{ message, lease: 'l' } as never], nextAt: undefined })
  const refused = new DuequeError('DESTINATION_MISSING', 'no such queue', { destination: 'queue:full' })
  const broker = { deliver: () => Promise.reject(refused), health: () => ({ producer: 'up' }) } as unknown
  const relay = new Relay(
    { name: 'fake', spacingMs: 0, claim, postpone } as unknown as MessageStore,
    {
      broker: broker as RelayEnvironment['broker'],
      clock: systemClock,
      logger: silent,
      onError: () => undefined,
    },
    {},
  )
  onTestFinished(() => relay.stop())
  relay.start()
  await vi.waitFor(() => expect(postpone).toHaveBeenCalled())
  expect(postpone.mock.calls[0]![1]).toSatisfy(Number.isInteger)
})
