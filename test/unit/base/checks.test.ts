import vm from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  aFunction,
  anAbortSignal,
  checkNames,
  checkOptions,
  group,
  integer,
  milliseconds,
} from '../../../src/base/checks.js'
import { thrown } from '../thrown.js'

const RULES = { attempts: integer(1, 5), expiresIn: milliseconds, within: group({ handle: aFunction }) }
const refused = (options: unknown) => thrown(() => checkOptions(options, RULES))

class Settings {
  attempts = 2
}
class Computed {
  get attempts() {
    return 2
  }
}

it.each<[string, unknown]>([
  ['none', {}],
  ['all', { attempts: 5, expiresIn: Infinity, within: { handle: () => undefined } }],
  ['undefined values, also of names that do not exist', { attempts: undefined, other: undefined }],
  ['an instance of a class', new Settings()],
  ['an instance of a class with getters', new Computed()],
  ['an object without a prototype', Object.assign(Object.create(null) as object, { attempts: 2 })],
  ['an object with inherited options', Object.create({ attempts: 2, other: 1 })],
  ['an object of another realm', vm.runInNewContext('({ attempts: 2, within: { handle: () => 1 } })')],
  ['a module', await import('./checks-module.js')],
])('%s is accepted', (_, options) => {
  expect(() => checkOptions(options, RULES)).not.toThrow()
})

it.each<[unknown, string]>([
  [undefined, 'undefined'],
  [null, 'null'],
  ['amqp://user:secret@host', 'string'],
  [5, 'number'],
  [() => ({}), 'function'],
  [['amqp://user:secret@host'], 'Array'],
  [new URL('amqp://user:secret@host'), 'URL'],
  [new Map([['attempts', 5]]), 'Map'],
  [Promise.resolve({ attempts: 5 }), 'Promise: await it'],
  [Buffer.from('secret'), 'Uint8Array'],
])('%o instead of options is refused, and not printed', (options, kind) => {
  const error = refused(options)
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'options' } })
  expect(error.message).toBe(`options: expected an object with options, got: ${kind}`)
})

describe('an unknown option', () => {
  it.each([
    [{ expiresin: 5 }, 'expiresin', 'did you mean expiresIn?'],
    [{ attemtps: 5 }, 'attemtps', 'did you mean attempts?'],
    [{ within: { handel: 5 } }, 'within.handel', 'did you mean handle?'],
    [{ retries: 5 }, 'retries', 'expected one of attempts, expiresIn, within'],
    [{ constructor: 5 }, 'constructor', 'expected one of attempts, expiresIn, within'],
    [JSON.parse('{ "__proto__": 5 }'), '__proto__', 'expected one of attempts, expiresIn, within'],
    [Object.assign(new Settings(), { other: 1 }), 'other', 'expected one of attempts, expiresIn, within'],
    [{ 'amqp://user:secret@host': 5 }, '…', 'expected one of attempts, expiresIn, within'],
  ])('%o is named, with the closest known name', (options, option, hint) => {
    const error = refused(options)
    expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option }, outcome: 'refused' })
    expect(error.message).toBe(`${option}: no such option; ${hint}`)
  })
})

it.each<[unknown, string]>([
  [{ attempts: 0 }, 'attempts: expected a whole number from 1 to 5, got 0'],
  [{ attempts: NaN }, 'attempts: expected a whole number from 1 to 5, got NaN'],
  [{ attempts: '3' }, 'attempts: expected a whole number from 1 to 5, got "3"'],
  [{ attempts: null }, 'attempts: expected a whole number from 1 to 5, got null'],
  [Object.create({ attempts: 9 }), 'attempts: expected a whole number from 1 to 5, got 9'],
  [{ expiresIn: NaN }, 'expiresIn: expected milliseconds, zero or more, got NaN'],
  [{ within: { handle: 'x' } }, 'within.handle: expected a function, got "x"'],
  [{ within: 5 }, 'within: expected an object with options, got: number'],
])('the value of %o is refused, with what is expected', (options, message) => {
  expect(refused(options).message).toBe(message)
})

it('a signal is recognised by its shape, in any realm', () => {
  const { signal } = new AbortController()
  expect([signal, { aborted: false, addEventListener: () => undefined }].map((one) => anAbortSignal(one, ''))).toEqual([
    undefined,
    undefined,
  ])
  expect([new AbortController(), {}, null, true].map((one) => anAbortSignal(one, ''))).toEqual(
    Array(4).fill('an AbortSignal'),
  )
})

it('names can be checked without their values', () => {
  expect(() => checkNames({ attempts: 'any' }, RULES)).not.toThrow()
  expect(thrown(() => checkNames({ attempt: 1 }, RULES)).message).toContain('did you mean attempts?')
})
