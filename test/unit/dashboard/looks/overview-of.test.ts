import { expect, test } from 'vitest'
import type { Look } from '../../../../src/dashboard/looks/looks.js'
import { OverviewMaker } from '../../../../src/dashboard/looks/overview-of.js'

const lookBy = (source: 'management' | 'amqp') => {
  const count = { messages: 0, ready: 0 }
  const report = { source, waiting: { ...count, rungs: [] }, dead: [], parked: { queue: 'p', ...count } }
  return { at: new Date(0), report, rates: null, lateness: null } as unknown as Look
}

test.each([
  ['management', { messages: 0 }],
  ['amqp', null],
] as const)('dead messages are counted by the management API alone: %s', (source, dead) => {
  const overview = new OverviewMaker(false).of(lookBy(source), undefined)
  expect(overview).toMatchObject({ waiting: 0, dead, parked: { messages: 0 } })
})

test('while a list cannot be counted, its last count stays, whatever the queues say', () => {
  const maker = new OverviewMaker(false)
  expect(maker.of(lookBy('management'), { value: { waiting: 7, dueWithinMinute: 1 } })).toMatchObject({ waiting: 7 })
  const away = maker.of(lookBy('management'), { reason: 'no answer' })
  expect(away).toMatchObject({ waiting: 7, failure: { message: 'no answer' } })
})
