import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { on, onAny, type Handler } from '../../../src/consumer/delivery.js'
import { chooseHandler } from '../../../src/consumer/choose-handler.js'
import { asRefusal } from '../../../src/consumer/handling.js'
import { Refusal } from '../../../src/message/death.js'
import { decodeEnvelope, type Envelope } from '../../../src/message/envelope.js'
import { DuequeError } from '../../../src/base/errors.js'
import { defineMessage } from '../../../src/message/definition.js'

function envelope(name: string | undefined, version = 1): Envelope {
  const arrived = {
    body: new Uint8Array(),
    properties: {},
    headers: {},
    exchange: '',
    routingKey: '',
    redelivered: false,
  }
  return { ...decodeEnvelope(arrived), name, version }
}

const handle = () => undefined
const first = on(defineMessage('first', z.unknown()), handle)
const second = on(defineMessage('second', z.unknown(), { version: 2 }), handle)
const third = on(defineMessage('third', z.unknown(), { version: 3, upgrade: (payload) => payload }), handle)
const any = onAny(handle)

describe('chooseHandler', () => {
  it.each<[string | undefined, number, Handler | string]>([
    ['first', 1, first],
    ['first', 2, 'unknown-version'],
    ['second', 1, 'unknown-version'],
    ['second', 2, second],
    ['second', 3, 'unknown-version'],
    ['third', 1, third],
    ['third', 3, third],
    ['third', 4, 'unknown-version'],
    ['other', 1, 'unknown-message'],
    [undefined, 1, 'unknown-message'],
  ])('a message named %s, version %i', (name, version, expected) => {
    const chosen = chooseHandler([first, second, third], envelope(name, version))
    if (chosen instanceof Refusal) expect(chosen.reason).toBe(expected)
    else expect(chosen).toBe(expected)
  })

  it('passes messages without a handler to onAny, wherever it is in the list', () => {
    expect(chooseHandler([any, first], envelope('other', 9))).toBe(any)
    expect(chooseHandler([any, first], envelope(undefined))).toBe(any)
    expect(chooseHandler([any, first], envelope('first'))).toBe(first)
    expect(chooseHandler([first, any], envelope('first', 2))).toMatchObject({ reason: 'unknown-version' })
  })
})

it('an unreadable payload is refused with its own reason; other errors are passed on unchanged', () => {
  const wrong = new DuequeError('INVALID_PAYLOAD', 'm: a: wrong', { message: 'm', issues: [] })
  expect(asRefusal(wrong)).toMatchObject({ reason: 'invalid-payload', message: 'm: a: wrong', cause: wrong })
  const other = new Error('other')
  expect(asRefusal(other)).toBe(other)
})
