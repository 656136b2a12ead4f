import { expect, test } from 'vitest'
import { HORIZONS } from '../../../../src/log/horizons.js'
import { definitionsOf } from '../../../../src/operate/topology/definitions.js'
import { topologyPlan } from '../../../../src/operate/topology/plan.js'

const named = (cancellationStreams?: boolean) =>
  topologyPlan({ cancellationStreams }).parts.filter(({ name }) => name.includes('.cancellations'))

test('the plan has the exchange and the streams of cancellations, unless they are left out', () => {
  const kinds = (all: readonly { kind: string }[]) => all.map(({ kind }) => kind)
  expect(kinds(named())).toEqual(['exchange', ...HORIZONS.flatMap(() => ['queue', 'binding'])])
  expect(named(false)).toEqual([])
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
