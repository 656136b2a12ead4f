import { expect, it } from 'vitest'
import type { ItemArrival } from '../../../../src/consumer/batches/item-arrival.js'
import { TakenBatch } from '../../../../src/consumer/batches/taken-batch.js'
import { Progress } from '../../../../src/consumer/batches/progress.js'
import type { Arrival } from '../../../../src/broker.js'
import { noteItem } from '../../../support/batch-of.js'
import { settled } from '../world.js'

/** Deliveries of one batch of three items, and what becomes of them. */
function deliveries() {
  const progress = new Progress()
  const outcomes: string[] = []
  const sends: ((isSent: boolean) => void)[] = []
  let count = 0
  const deliver = () => {
    const name = ++count
    const arrival: Arrival & { live: boolean } = {
      ...{ body: Buffer.alloc(0), properties: {}, headers: {}, exchange: '', routingKey: '', redelivered: false },
      ...{ live: true, abandoned: 0 },
      ack: () => outcomes.push(`ack ${name}`),
      requeue: () => outcomes.push(`requeue ${name}`),
    }
    const batch = new TakenBatch(
      arrival,
      [0, 1, 2].map((n) => noteItem('q', n, 0)),
      {
        progress,
        sendSingly: () => new Promise((resolve) => sends.push(resolve)),
        track: (work) => work,
        over: () => undefined,
      },
    )
    const taken: ItemArrival[] = []
    batch.each((item) => taken.push(item))
    const lose = () => {
      arrival.live = false
    }
    return { batch, taken, lose }
  }
  return { deliver, outcomes, sends }
}

const places = (items: readonly ItemArrival[]) => items.map(({ place }) => place)

it('that comes again is without the items that are settled, also those that were settled after it was lost', () => {
  const { deliver, outcomes } = deliveries()
  const first = deliver()
  first.taken[0]!.ack()
  first.lose()
  first.taken[1]!.ack()
  const second = deliver()
  expect(places(second.taken)).toEqual([2])
  second.taken[0]!.ack()
  expect(outcomes).toEqual(['ack 2'])
  // Its ack was lost as well.
  second.lose()
  expect(deliver().taken).toEqual([])
  expect(outcomes).toEqual(['ack 2', 'ack 3'])
})

it.each([
  ['settles an item that the first delivery has published singly', true],
  ['takes an item that the first delivery could not publish', false],
])('that comes again %s', async (_, isSent) => {
  const { deliver, outcomes, sends } = deliveries()
  const first = deliver()
  const leaving = first.taken[1]!.leave()
  first.lose()
  const second = deliver()
  expect(places(second.taken)).toEqual([0, 2])
  sends[0]!(isSent)
  expect(await leaving).toBe(isSent)
  await settled()
  expect(places(second.taken)).toEqual(isSent ? [0, 2] : [0, 2, 1])
  for (const item of second.taken) item.ack()
  expect(outcomes).toEqual(['ack 2'])
})

it('of two copies, an item is published singly once', async () => {
  const { deliver, outcomes, sends } = deliveries()
  const [first, second] = [deliver(), deliver()]
  const both = [first, second].map(({ taken }) => taken[0]!.leave())
  expect(sends).toHaveLength(1)
  sends[0]!(true)
  expect(await Promise.all(both)).toEqual([true, true])
  first.taken[1]!.ack()
  expect(await second.taken[1]!.leave()).toBe(true)
  expect(sends).toHaveLength(1)
  for (const { taken } of [first, second]) taken[2]!.ack()
  expect(outcomes).toEqual(['ack 1', 'ack 2'])
})

it('goes back whole only if all of its items do, and none is settled or on its way', async () => {
  const whole = deliveries()
  for (const item of whole.deliver().taken) item.requeue()
  await settled()
  expect([whole.outcomes, whole.sends.length]).toEqual([['requeue 1'], 0])

  const part = deliveries()
  const { taken } = part.deliver()
  for (const item of taken.slice(1)) item.requeue()
  await settled()
  expect(part.sends).toHaveLength(2)
  for (const send of part.sends) send(true)
  await settled()
  expect(part.outcomes).toEqual([])
  taken[0]!.ack()
  expect(part.outcomes).toEqual(['ack 1'])
})

it('does nothing with an item that goes back after the broker has taken the batch', async () => {
  const { deliver, outcomes, sends } = deliveries()
  const { taken, lose } = deliver()
  for (const item of taken) item.requeue()
  lose()
  await settled()
  expect([outcomes, sends]).toEqual([[], []])
})

it('is acked once, however often an item is', () => {
  const { deliver, outcomes } = deliveries()
  const { taken } = deliver()
  for (const item of [...taken, ...taken]) item.ack()
  expect(outcomes).toEqual(['ack 1'])
})
