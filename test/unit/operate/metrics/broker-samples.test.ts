import { expect, it } from 'vitest'
import { brokerSamples } from '../../../../src/operate/metrics/broker-samples.js'
import { reportOf } from '../../../../src/operate/status-report.js'

const report = (source: 'management' | 'amqp', queues: Record<string, number>) => {
  const counts = new Map(Object.entries(queues).map(([name, messages]) => [name, { messages, ready: 0 }]))
  return reportOf('dueque', source, { counts, journal: null, recurring: null }, [])
}

const values = (all: ReturnType<typeof brokerSamples>) =>
  Object.fromEntries(all.map(({ metric, labels = {}, value }) => [[metric, ...Object.values(labels)].join(' '), value]))

it('sums rungs by unit, and names the work queues of dead messages', () => {
  const queues = { '20ms': 1, '30s': 2, '59s': 3, '7d': 4, '300d': 5, 'classic.30s': 600 }
  const waits = Object.entries(queues).map(([rung, messages]) => [`dueque.v1.wait.${rung}`, messages])
  const others = { 'orders.dead': 6, 'dueque.v1.parked': 7, 'dueque.v1.unroutable': 8, 'dueque.v1.to.nowhere': 9 }
  const found = report('management', { ...(Object.fromEntries(waits) as Record<string, number>), ...others })
  expect(values(brokerSamples({ report: found, connections: 3 }))).toEqual({
    counts_complete: 1,
    'messages_waiting ms': 1,
    'messages_waiting s': 605,
    'messages_waiting m': 0,
    'messages_waiting h': 0,
    'messages_waiting d': 9,
    messages_unroutable: 8,
    messages_parked: 7,
    'messages_dead orders': 6,
    rungs_backed_up: 1,
    messages_in_outlets: 9,
    connections: 3,
  })
})

it('leaves out what AMQP cannot count', () => {
  const samples = brokerSamples({ report: report('amqp', {}), connections: undefined })
  const metrics = new Set(samples.map(({ metric }) => metric))
  expect([...metrics]).toEqual(['counts_complete', 'messages_waiting', 'messages_unroutable', 'messages_parked'])
  expect(samples[0]).toEqual({ metric: 'counts_complete', value: 0 })
})

it('shows the 500 queues with the most dead messages, and the sum of the others', () => {
  const queues = Object.fromEntries(Array.from({ length: 502 }, (_, n) => [`q${n}.dead`, n]))
  const dead = brokerSamples({ report: report('management', queues), connections: 0 }).filter(
    ({ metric }) => metric === 'messages_dead',
  )
  expect(dead).toHaveLength(501)
  expect(dead[0]).toMatchObject({ labels: { queue: 'q501' }, value: 501 })
  expect(dead.at(-1)).toMatchObject({ labels: { queue: '(others)' }, value: 1 })
})
