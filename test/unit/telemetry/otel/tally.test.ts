import type { Attributes } from '@opentelemetry/api'
import { expect, it } from 'vitest'
import { Tally } from '../../../../src/telemetry/otel/tally.js'

function told() {
  const calls: [number, Attributes][] = []
  const tally = new Tally({ add: (count, attributes = {}) => calls.push([count, attributes]) })
  return { calls, tally }
}

it('tells the counter the sums of each attributes, when it is flushed', () => {
  const { calls, tally } = told()
  const [orders, bills] = [{ queue: 'orders' }, { queue: 'bills' }]
  for (const attributes of [orders, bills, orders]) tally.count(attributes)
  expect(calls).toEqual([])
  tally.flush()
  tally.flush()
  expect(calls).toEqual([
    [2, orders],
    [1, bills],
  ])
})

it('tells failures at once, with their type', () => {
  const { calls, tally } = told()
  tally.count({ queue: 'orders' }, { error: new Error('no'), type: 'Error' })
  expect(calls).toEqual([[1, { queue: 'orders', 'error.type': 'Error' }]])
})

it('keeps 1000 attributes at most', () => {
  const { calls, tally } = told()
  for (let n = 0; n < 1500; n++) tally.count({ queue: `q-${n}` })
  expect(calls).toHaveLength(500)
  tally.flush()
  expect(calls).toHaveLength(1500)
})
