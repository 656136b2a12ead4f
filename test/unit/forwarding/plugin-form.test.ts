import { expect, it, test } from 'vitest'
import type { Arrived } from '../../../src/message/envelope.js'
import { delayOf, messageOf } from '../../../src/forwarding/plugin-form.js'
import { MAX_DELAY_MS } from '../../../src/message/due.js'

const NOW = 1_800_000_000_000

test.each([
  [5000, 5000],
  ['5000', 5000],
  ['+5000', 5000],
  [0, 0],
  [-5000, 0],
  ['-5000', 0],
  [undefined, 0],
  [null, 0],
  [true, 0],
  [[5000], 0],
  [{ '!': 'timestamp', value: 5000 }, 0],
  [700.5, 701],
  [0.2, 1],
  [2 ** 32, 2 ** 32],
  [MAX_DELAY_MS, MAX_DELAY_MS],
])('x-delay %j waits %d ms', (value, delayMs) => {
  expect(delayOf(value, MAX_DELAY_MS)).toEqual({ delayMs })
})

test.each([[MAX_DELAY_MS + 1], [Infinity], [NaN], ['9'.repeat(400)], ['soon'], [''], ['5s'], ['1.5'], [' 5']])(
  'x-delay %j is refused',
  (value) => {
    expect(delayOf(value, MAX_DELAY_MS)).toHaveProperty('problem')
  },
)

function arrived(headers: Record<string, unknown>, rest: Partial<Arrived> = {}): Arrived {
  const properties = { messageId: 'm-1', contentType: 'text/plain' }
  return {
    body: Buffer.from('b'),
    properties,
    headers,
    exchange: 'e',
    routingKey: 'a.b',
    redelivered: false,
    ...rest,
  }
}

function read(headers: Record<string, unknown>, rest: Partial<Arrived> = {}) {
  const message = messageOf(arrived(headers, rest), 'e.due', NOW, MAX_DELAY_MS)
  if ('problem' in message) throw new Error(message.problem)
  return message
}

it('goes to the other exchange with its own key and a negative delay, as behind the plugin', () => {
  const message = read({ 'x-delay': 5000, own: 1 })
  expect(message.destination).toEqual({ exchange: 'e.due', routingKey: 'a.b' })
  expect(message.dueAt).toBe(NOW + 5000)
  expect(message.headers).toEqual({ 'x-delay': -5000, own: 1 })
})

it('leaves headers unchanged without a delay', () => {
  expect(read({ 'x-delay': -5 }).headers).toEqual({ 'x-delay': -5 })
  expect(read({}).headers).toEqual({})
})

it('makes a TTL count from the due time, and lowers a priority that would overtake in a rung', () => {
  const properties = { expiration: '60000', priority: 9, userId: 'guest' }
  const message = read({ 'x-delay': 5000 }, { properties })
  expect(message).toMatchObject({ expiresAt: NOW + 65_000, priority: 4 })
  expect(message.properties).not.toHaveProperty('expiration')
  expect(message.properties).not.toHaveProperty('userId')
})

it('gives the copy of a message with an id the same dedupe key, and any other message another', () => {
  const key = (...args: Parameters<typeof read>) => read(...args).dedupeKey
  const first = key({ 'x-delay': 5000 })
  expect(first).toMatch(/^intake:.{43}$/)
  expect(key({ 'x-delay': 5000, 'x-delivery-count': 1 }, { redelivered: true })).toBe(first)
  expect(key({ 'x-delay': 5001 })).not.toBe(first)
  expect(key({ 'x-delay': 5000 }, { body: Buffer.from('c') })).not.toBe(first)
  expect(key({ 'x-delay': 5000 }, { routingKey: 'a' })).not.toBe(first)
  expect(key({ 'x-delay': 5000 }, { properties: { messageId: 'm-2' } })).not.toBe(first)
  expect(key({ 'x-delay': 5000 }, { properties: { messageId: 'm-1', timestamp: 1 } })).not.toBe(first)
  expect(key({ 'x-delay': 5000 }, { properties: {} })).toBeUndefined()
})

it('is routed by its CC keys when it is due, and then has no CC header', () => {
  const { furtherKeys, headers } = read({ 'x-delay': 5000, CC: ['second', 7, 'third'] })
  expect(furtherKeys).toEqual(['second', 'third'])
  expect(headers).toEqual({ 'x-delay': -5000 })
})

it('refuses keys that are part of the ladder', () => {
  for (const rest of [{ routingKey: 'dq~1s' }, { headers: { CC: ['a', 'dq~1s'] } }]) {
    expect(messageOf(arrived({}, rest), 'e.due', NOW, MAX_DELAY_MS)).toHaveProperty('problem')
  }
})
