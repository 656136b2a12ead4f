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
