import { expect, it } from 'vitest'
import { bufferOf, FrameBuilder } from '../../../../src/amqp/publish/frame-builder.js'
import type { DelayedMessage } from '../../../../src/message/delayed-message.js'
import { resolveSchedule } from '../../../../src/schedule/schedule-options.js'

const frames = new FrameBuilder()
const message: DelayedMessage = {
  ...resolveSchedule(
    { to: { exchange: 'clinic', routingKey: 'a.b' }, in: 5, id: 'i', headers: { tenant: 'a' } },
    0,
    10,
  ),
  name: 'm',
  version: 1,
  body: new Uint8Array(),
}

function headersOf(of: DelayedMessage, path: string[]): Record<string, unknown> {
  return frames.build(of, 'e', path).options.headers as Record<string, unknown>
}

it('carries the path in BCC, beside the routing key and headers of the producer, and is mandatory', () => {
  const path = ['dq~30m', 'dq~end~h', 'dq~queue~q']
  const { options, ...frame } = frames.build(message, 'dueque.v1.entry.m', path)
  expect(frame).toEqual({ exchange: 'dueque.v1.entry.m', routingKey: 'a.b' })
  expect(options).toMatchObject({
    mandatory: true,
    deliveryMode: 2,
    messageId: 'i',
    headers: { BCC: path, tenant: 'a' },
  })
  expect(options).not.toHaveProperty('expiration')
  expect(message.headers).toEqual({ tenant: 'a' })
})

it('contains nothing of the previous frame', () => {
  const before = headersOf({ ...message, dedupeKey: 'k', attempt: 2 }, ['a'])
  expect(before).toMatchObject({ tenant: 'a', 'dueque-dedupe': 'k', 'dueque-attempt': 2 })
  expect(headersOf({ ...message, headers: { region: 'b' } }, ['b'])).toEqual({
    region: 'b',
    'dueque-due': 5,
    'dueque-revision': message.revision,
    'dueque-to': 'exchange:clinic',
    BCC: ['b'],
  })
})

it('keeps a foreign header that would change an object', () => {
  const foreign = JSON.parse('{ "__proto__": { "tenant": "z" }, "own": 1 }') as DelayedMessage['headers']
  expect(Object.hasOwn(headersOf({ ...message, headers: foreign, properties: {} }, []), '__proto__')).toBe(true)
  expect(headersOf({ ...message, headers: {} }, [])['tenant']).toBeUndefined()
})

it.each([undefined, {}])('is routed by its path alone, whatever a store returned (properties: %j)', (properties) => {
  const forged = { CC: ['dq~queue~victim'], BCC: ['dq~queue~victim'], own: 1 }
  const { options } = frames.build({ ...message, headers: forged, ...(properties && { properties }) }, 'e', ['a'])
  expect(options.headers).toMatchObject({ BCC: ['a'], own: 1 })
  expect((options.headers as Record<string, unknown>)['CC']).toBeUndefined()
})

it('keeps only foreign properties that have no meaning to the broker', () => {
  const forged = { CC: ['x'], BCC: ['x'], expiration: '1', userId: 'u', immediate: true, persistent: false }
  const kept = { contentType: 'text/plain', contentEncoding: 'gzip', replyTo: 'r', appId: 'a', clusterId: 'c' }
  const { options } = frames.build({ ...message, properties: { ...forged, ...kept } }, 'e', ['a'])
  expect(options).toMatchObject(kept)
  for (const name of Object.keys(forged)) expect(options).not.toHaveProperty(name)
})

it('is also routed by further keys, except those of dueque', () => {
  expect(headersOf({ ...message, furtherKeys: ['second', 'dq~queue~victim'] }, ['a'])['BCC']).toEqual(['a', 'second'])
})

it('shares the memory of the body', () => {
  const whole = Uint8Array.of(1, 2, 3, 4)
  const buffer = bufferOf(whole.subarray(1, 3))
  whole[1] = 9
  expect([...buffer]).toEqual([9, 3])
})
