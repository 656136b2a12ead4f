import { expect, test } from 'vitest'
import { HORIZONS } from '../../../../src/log/horizons.js'
import { definitionsOf } from '../../../../src/operate/topology/definitions.js'
import { topologyPlan, type TopologyOptions } from '../../../../src/operate/topology/plan.js'

const named = (cancellationStreams?: boolean) => partsOf('cancellations', { cancellationStreams })
const partsOf = (log: string, options: TopologyOptions) =>
  topologyPlan(options).parts.filter(({ name }) => name.startsWith(`dueque.v1.${log}`))

test('the plan has the exchange and the streams of cancellations, unless they are left out', () => {
  const kinds = (all: readonly { kind: string }[]) => all.map(({ kind }) => kind)
  expect(kinds(named())).toEqual(['exchange', ...HORIZONS.flatMap(() => ['queue', 'binding'])])
  expect(named(false)).toEqual([])
})

test('the plan has the exchange and the streams of a journal if they are asked for', () => {
  expect(partsOf('journal', {})).toEqual([])
  const parts = partsOf('journal', { journal: true })
  expect(parts.map(({ kind }) => kind)).toEqual(['exchange', ...HORIZONS.flatMap(() => ['queue', 'binding'])])
  const args = { 'x-queue-type': 'stream', 'x-max-age': '372D', 'x-stream-max-segment-size-bytes': 4_000_000 }
  expect(parts.find(({ name }) => name.endsWith('.1y'))).toMatchObject({
    name: 'dueque.v1.journal.1y',
    arguments: args,
  })
})

test('the plan has the stream of definitions and the queue of ticks if recurring messages are asked for', () => {
  expect([...partsOf('recurring', {}), ...partsOf('ticks', {})]).toEqual([])
  const name = 'dueque.v1.recurring'
  expect(partsOf('recurring', { recurring: true })).toEqual([
    expect.objectContaining({ kind: 'exchange', name, type: 'direct' }),
    {
      kind: 'queue',
      name,
      arguments: {
        'x-queue-type': 'stream',
        'x-max-age': '90D',
        'x-stream-max-segment-size-bytes': 4_000_000,
        'x-queue-leader-locator': 'balanced',
      },
    },
    { kind: 'binding', to: 'queue', from: name, name, key: '' },
  ])
  const [queue, binding] = partsOf('ticks', { recurring: true })
  expect(queue).toMatchObject({
    kind: 'queue',
    arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true, 'x-delivery-limit': 2 ** 31 - 1 },
  })
  expect(queue).not.toHaveProperty(['arguments', 'x-dead-letter-exchange'])
  expect(binding).toMatchObject({ from: 'dueque.v1.deliver', key: 'dq~queue~dueque.v1.ticks' })
})

test('the definitions have the arguments of the streams, and bind each by its horizon', () => {
  const { exchanges, queues, bindings } = definitionsOf(named(), '/')
  expect(exchanges).toMatchObject([{ name: 'dueque.v1.cancellations', type: 'direct', durable: true }])
  const name = 'dueque.v1.cancellations.30d'
  const args = { 'x-queue-type': 'stream', 'x-max-age': '37D', 'x-stream-max-segment-size-bytes': 4_000_000 }
  expect(queues).toContainEqual(expect.objectContaining({ name, arguments: expect.objectContaining(args) as object }))
  expect(bindings).toContainEqual(
    expect.objectContaining({ source: 'dueque.v1.cancellations', destination: name, routing_key: '30d' }),
  )
})
