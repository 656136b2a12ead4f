import { describe, expect, it } from 'vitest'
import type { CancellationRecord } from '../../../src/cancellation/record.js'
import { strategyMethods } from '../../../src/schedule/strategy-methods.js'
import type { Cancellations } from '../../../src/strategies/cancellations.js'
import { MemoryWaitlist } from '../../../src/strategies/memory/memory-waitlist.js'

const common = { name: 'fake', limits: { maxDelayMs: 1000, orderMs: 0, leadMs: 0 } }
const NOW = Date.UTC(2026, 10, 23, 9)
const settings = { now: () => NOW, marginMs: 1000 }
const receipt = (inMs: number) => ({
  id: 'x',
  revision: 7,
  dueAt: new Date(NOW + inMs).toISOString(),
  destination: { queue: 'q' },
})

describe('the methods of a strategy', () => {
  it('do not exist without a facet', () => {
    expect(Object.keys(strategyMethods(common, settings) as object)).toEqual([])
  })

  it('are complete with a waitlist, also beside a log of cancellations', async () => {
    const waitlist = new MemoryWaitlist(() => undefined)
    const methods = strategyMethods({ ...common, waitlist }, settings)
    expect(Object.keys(methods)).toEqual(expect.arrayContaining(['cancel', 'count', 'get', 'list', 'reschedule']))
    expect(await methods.cancel('x')).toBe('not-waiting')
    const both = strategyMethods({ ...common, waitlist, cancellations: log().facet }, settings)
    expect(await both.cancel('x')).toBe('not-waiting')
  })

  it('with a log of cancellations, cancel answers by the time that is left', async () => {
    const { facet, written } = log()
    const methods = strategyMethods({ ...common, cancellations: facet }, settings)
    expect(await methods.cancel(receipt(1000))).toBe('cancelled')
    expect(await methods.cancel(receipt(999))).toBe('too-late')
    expect(await methods.cancel({ id: 'x', dueAt: receipt(1000).dueAt })).toBe('cancelled')
    expect(await methods.cancel({ id: 'x' })).toBe('unknown')
    expect(await methods.cancel('x')).toBe('unknown')
    const upTo = expect.any(Number) as number
    expect(written).toEqual([
      { id: 'x', revision: 7, due: NOW + 1000 },
      { id: 'x', revision: 7, due: NOW + 999 },
      { id: 'x', upTo, due: NOW + 1000 },
      { id: 'x', upTo, due: undefined },
      { id: 'x', upTo, due: undefined },
    ])
  })

  it('refuse a target that is neither a receipt nor an id, with each facet', async () => {
    const exact = strategyMethods({ ...common, waitlist: new MemoryWaitlist(() => undefined) }, settings)
    const logged = strategyMethods({ ...common, cancellations: log().facet }, settings)
    for (const methods of [exact, logged]) {
      for (const target of ['', undefined, {}, { id: '', revision: 1 }, { id: 'x', revision: '1' }])
        expect(await methods.cancel(target as never).catch((error: unknown) => error)).toMatchObject({
          code: 'INVALID_OPTION',
        })
    }
  })
})

function log(): { facet: Cancellations; written: CancellationRecord[] } {
  const written: CancellationRecord[] = []
  const write = (record: CancellationRecord) => {
    written.push(record)
    return Promise.resolve()
  }
  return { written, facet: { write } }
}
