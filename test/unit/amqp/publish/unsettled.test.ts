import { expect, it } from 'vitest'
import { MAX_BYTES_IN_FLIGHT } from '../../../../src/amqp/publish/in-flight.js'
import { mayHaveArrived, STATE, type PublicationState } from '../../../../src/amqp/publish/publication.js'
import { Unsettled } from '../../../../src/amqp/publish/unsettled.js'
import { publication } from './publication-fixture.js'

it('sends retries before others, and possible poison messages first and alone', () => {
  const { queue, inFlight } = new Unsettled(10)
  const [fresh, retry, suspect] = [publication(), publication(), publication({ refusals: 3 })]
  queue.push(fresh)
  queue.pushRetry(retry)
  queue.pushRetry(suspect)
  const beside = publication()
  inFlight.add(beside)
  expect(queue.next(true)).toBeUndefined()
  inFlight.delete(beside)
  expect(queue.next(true)).toBe(suspect)
  inFlight.add(suspect)
  expect(queue.next(true)).toBeUndefined()
  inFlight.delete(suspect)
  expect([queue.next(true), queue.next(false), queue.next(true)]).toEqual([retry, undefined, fresh])
})

it('sends records of streams before messages that were not sent yet, and after retries', () => {
  const { queue } = new Unsettled(10)
  const [fresh, retry] = [publication(), publication()]
  const ofStream = publication({ plan: { ...fresh.plan, stream: 'journal' } })
  queue.push(fresh)
  queue.push(ofStream)
  queue.pushRetry(retry)
  expect([queue.next(true), queue.next(false), queue.next(true)]).toEqual([retry, ofStream, fresh])
  queue.push(ofStream)
  expect(queue.remove((one) => one === ofStream)).toEqual([ofStream])
})

it('limits the number of messages and of bytes', () => {
  const { inFlight } = new Unsettled(2)
  const half = publication({ message: { id: 1, revision: 1, body: { byteLength: MAX_BYTES_IN_FLIGHT } as Uint8Array } })
  expect(inFlight.isFull).toBe(false)
  inFlight.add(half)
  expect(inFlight.isFull).toBe(true)
  inFlight.delete(half)
  inFlight.delete(half)
  expect(inFlight.isFull).toBe(false)
  inFlight.add(publication())
  inFlight.add(publication())
  expect(inFlight.isFull).toBe(true)
})

it('counts those that wait for their declarations, until they are queued again or settled', () => {
  const unsettled = new Unsettled(10)
  const { deferred } = unsettled
  const [one, other, held] = [publication(), publication(), publication()]
  for (const each of [one, other, held]) unsettled.add(each)
  deferred.add(one, STATE.preparing)
  deferred.add(other, STATE.preparing)
  deferred.add(held, STATE.held)
  expect(deferred.preparing).toBe(2)
  deferred.delete(one)
  unsettled.settle(other)
  expect([deferred.preparing, unsettled.count]).toEqual([0, 2])
  expect([deferred.takeHeld(), deferred.takeHeld()]).toEqual([[held], []])
})

it('finds publications in every state, except settled ones and held confirms', () => {
  const unsettled = new Unsettled(10)
  const [queued, aborted, sent, prepared, held] = Array.from({ length: 5 }, () => publication())
  for (const each of [queued, aborted, sent, prepared, held]) unsettled.add(each!)
  for (let i = 0; i < 5; i++) unsettled.queue.next(true)
  unsettled.queue.pushRetry(queued!)
  unsettled.queue.pushRetry(aborted!)
  unsettled.settle(aborted!)
  sent!.state = STATE.inFlight
  unsettled.inFlight.add(sent!)
  unsettled.deferred.add(prepared!, STATE.preparing)
  unsettled.deferred.add(held!, STATE.held)
  expect(unsettled.find(() => true)).toEqual([queued, sent, prepared])
})

it.each<[PublicationState, boolean]>([
  [STATE.queued, false],
  [STATE.preparing, false],
  [STATE.inFlight, true],
  [{ kind: 'returned', error: undefined }, true],
  [STATE.answered, false],
  [STATE.backingOff, false],
  [STATE.held, true],
])('knows in the state %j whether RabbitMQ may have the message', (state, expected) => {
  expect(mayHaveArrived(publication({ state }))).toBe(expected)
  expect(mayHaveArrived(publication({ state, isUnanswered: true }))).toBe(true)
})
