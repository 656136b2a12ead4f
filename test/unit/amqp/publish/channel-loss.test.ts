import { expect, it } from 'vitest'
import { channelLoss } from '../../../../src/amqp/publish/channel-loss.js'
import { publication } from './publication-fixture.js'

const closed = (code: number, text: string) =>
  Object.assign(new Error(`Channel closed by server: ${code} (X) with message "${text}"`), { code })

const MISSING = closed(404, "NOT_FOUND - no exchange 'e' in vhost '/'")
const DENIED = closed(403, "ACCESS_REFUSED - write access to exchange 'e' in vhost '/' refused for user 'u'")
const TOO_LARGE = closed(406, 'PRECONDITION_FAILED - message size 11 is larger than configured max size 9')
const POISON = closed(406, "PRECONDITION_FAILED - invalid expiration 'soon'")

it.each([
  ['its exchange is missing', MISSING, { exchange: 'e' }, 'exchange-missing'],
  ['the exchange of another one is missing', MISSING, { exchange: 'other' }, 'retry'],
  ['its user may not write to its exchange', DENIED, { exchange: 'e' }, 'PERMISSION_DENIED'],
  ['the exchange of another one is not its user’s', DENIED, { exchange: 'other' }, 'retry'],
  ['its body is too large', TOO_LARGE, {}, 'BODY_TOO_LARGE'],
  [
    'the body of another one is too large',
    TOO_LARGE,
    { message: { id: 1, revision: 1, body: new Uint8Array(9) } },
    'retry',
  ],
  ['it may be poison', POISON, { refusals: 3 }, 'retry'],
  ['it is poison', POISON, { refusals: 4 }, 'MESSAGE_REFUSED'],
  ['the connection was lost', undefined, { refusals: 4 }, 'retry'],
])('decides what a closed channel means for a publish: %s', (_, reason, more, expected) => {
  const loss = channelLoss(publication(more), reason)
  expect(typeof loss === 'string' ? loss : loss.code).toBe(expected)
})

it('takes a stream that RabbitMQ has lost for no fault of a message', () => {
  const lost = closed(506, "RESOURCE_ERROR - Stream not found for queue 's' in vhost '/'")
  const plan = (stream?: string) => ({
    plan: { prepare: () => Promise.resolve(), safeAt: () => 0, ...(stream && { stream }) },
  })
  const [into, other] = [publication(plan('s')), publication(plan())]
  expect(channelLoss(into, lost)).toMatchObject({ code: 'TOPOLOGY_MISSING', data: { resource: 's' } })
  expect(channelLoss(other, lost)).toBe('retry')
  expect(other.refusals).toBe(0)
})

it('does not suspect a message because of the body of another one', () => {
  const other = publication({ message: { id: 1, revision: 1, body: new Uint8Array(9) } })
  channelLoss(other, TOO_LARGE)
  expect(other.refusals).toBe(0)
})
