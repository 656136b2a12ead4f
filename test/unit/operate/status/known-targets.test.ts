import { expect, test } from 'vitest'
import { Names } from '../../../../src/amqp/topology/names.js'
import { knownTargets } from '../../../../src/operate/status/known-targets.js'

const ONE = { messages: 1, ready: 1 }
const counted = (...queues: string[]) => ({
  source: 'management' as const,
  counts: new Map(queues.map((queue) => [queue, ONE])),
  behind: { deliver: new Set(['bound', 'a.v1.to-queue.slow']), dead: new Set<string>(), exchanges: new Set<string>() },
})

test('targets are those that are bound, that have dead messages, or that an outlet leads to', () => {
  const counts = counted('bound', 'a.v1.to.clinic', 'a.v1.to-queue.slow', 'a.v1.wait.30m', 'b.v1.to.other')
  expect(knownTargets(new Names('a'), counts, [{ queue: 'gone.dead', ...ONE }])).toEqual({
    queues: ['bound', 'gone', 'slow'],
    exchanges: ['clinic'],
  })
})

test('a queue of another namespace whose name reads like an outlet leads to no target', () => {
  const queues = ['a.v1.to.b.v1.parked', 'a.v1.to.b.v1.to.clinic']
  const exchangesOf = (...more: string[]) => knownTargets(new Names('a'), counted(...queues, ...more), []).exchanges
  expect(exchangesOf()).toEqual(['b.v1.parked', 'b.v1.to.clinic'])
  expect(exchangesOf('a.v1.to.b.v1.unroutable')).toEqual([])
})
