import { expect, it } from 'vitest'
import { manualClock } from '../../../../src/index.js'
import { MemoryCancellations } from '../../../../src/strategies/memory/memory-cancellations.js'

const START = Date.UTC(2026, 10, 23)

it('knows the revisions that its records name, and nothing of a message without a revision or an id', async () => {
  const log = new MemoryCancellations(manualClock(START))
  const due = START + 1000
  await log.write({ id: 'exact', revision: 5, due })
  await log.write({ id: 'up-to', upTo: 5, due })
  await log.write({ id: 'kept', keep: 5, due })
  const cancelled = (id: string) => [4, 5, 6].filter((revision) => log.isCancelled({ id, revision }))
  expect(['exact', 'up-to', 'kept', 'other'].map(cancelled)).toEqual([[5], [4, 5], [4], []])
  expect(log.isCancelled({ id: 'up-to', revision: undefined })).toBe(false)
  expect(log.isCancelled({ id: undefined, revision: 1 })).toBe(false)
})

it('remembers a record for a day after its due time', async () => {
  const clock = manualClock(START)
  const log = new MemoryCancellations(clock)
  await log.write({ id: 'x', upTo: 5, due: START + 3_600_000 })
  for (let hours = 0; hours < 25; hours++) {
    await log.write({ id: `other-${hours}`, upTo: 5, due: START })
    expect(log.isCancelled({ id: 'x', revision: 5 })).toBe(true)
    clock.advance('1h')
  }
})
