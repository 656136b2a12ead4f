import type { Message } from 'amqplib'
import { expect, it } from 'vitest'
import { findReturned } from '../../../../src/amqp/publish/find-returned.js'
import { publication } from './publication-fixture.js'

const sent = (id: string, revision: number, exchange = 'e') =>
  publication({ exchange, message: { id, revision, body: new Uint8Array() } })

const [first, second, again, elsewhere] = [sent('a', 1), sent('b', 2), sent('a', 3), sent('a', 1, 'other')]
const inFlight = [first, second, again, elsewhere]

const returned = (messageId: string | undefined, headers?: object) =>
  ({ fields: { exchange: 'e' }, properties: { messageId, headers } }) as unknown as Message

it('a return means the message with its exchange, id and revision', () => {
  expect(findReturned(returned('a', { 'dueque-revision': 1 }), inFlight)).toEqual([first])
  expect(findReturned(returned('a', { 'dueque-revision': 3 }), inFlight)).toEqual([again])
})

it('a return may mean each message of its exchange, if none has its id and revision', () => {
  expect(findReturned(returned('a', {}), inFlight)).toEqual([first, second, again])
  expect(findReturned(returned(undefined), inFlight)).toEqual([first, second, again])
})
