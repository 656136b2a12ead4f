import { describe, expect, it } from 'vitest'
import { strategyMethods } from '../../../src/schedule/strategy-methods.js'
import type { CancelResult, CancelTarget, Cancellations } from '../../../src/strategies/cancellations.js'
import { MemoryWaitlist } from '../../../src/strategies/memory/memory-waitlist.js'

const common = { name: 'fake', limits: { maxDelayMs: 1000, orderMs: 0, leadMs: 0 } }
const now = () => 0

describe('the methods of a strategy', () => {
  it('do not exist without a facet', () => {
    expect(Object.keys(strategyMethods(common, now) as object)).toEqual([])
  })

  it('are complete with a waitlist, also beside a log of cancellations', async () => {
    const waitlist = new MemoryWaitlist(() => undefined)
    const methods = strategyMethods({ ...common, waitlist }, now)
    expect(Object.keys(methods).sort()).toEqual(['cancel', 'count', 'get', 'list', 'reschedule'])
    expect(await methods.cancel('x')).toBe('not-waiting')
    const both = strategyMethods({ ...common, waitlist, cancellations: log('unknown').facet }, now)
    expect(await both.cancel('x')).toBe('not-waiting')
  })

  it('include cancel with a log of cancellations, which returns its answer', async () => {
    const answers: CancelResult[] = ['cancelled', 'too-late', 'unknown']
    for (const answer of answers) {
      const { facet, written } = log(answer)
      const methods = strategyMethods({ ...common, cancellations: facet }, now)
      expect(Object.keys(methods)).toEqual(['cancel'])
      const receipt = { id: 'x', revision: 7, dueAt: '2026-11-23T09:00:00.000Z', destination: { queue: 'q' } }
      expect(await methods.cancel(receipt)).toBe(answer)
      expect(await methods.cancel('x')).toBe(answer)
      expect(written).toEqual([
        { id: 'x', revision: 7, dueAt: Date.UTC(2026, 10, 23, 9) },
        { id: 'x', revision: undefined, dueAt: undefined },
      ])
    }
  })

  it('refuse a target that is neither a receipt nor an id, with each facet', async () => {
    const exact = strategyMethods({ ...common, waitlist: new MemoryWaitlist(() => undefined) }, now)
    const logged = strategyMethods({ ...common, cancellations: log('cancelled').facet }, now)
    for (const methods of [exact, logged]) {
      for (const target of ['', undefined, { id: 'x' }, { id: '', revision: 1 }])
        expect(await methods.cancel(target as never).catch((error: unknown) => error)).toMatchObject({
          code: 'INVALID_OPTION',
        })
    }
  })
})

function log(answer: CancelResult): { facet: Cancellations; written: CancelTarget[] } {
  const written: CancelTarget[] = []
  return { written, facet: { cancel: (target) => Promise.resolve(answer).finally(() => written.push(target)) } }
}
