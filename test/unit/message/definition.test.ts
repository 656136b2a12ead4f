import type { StandardSchemaV1 } from '@standard-schema/spec'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { decodePayload, defineMessage, encodePayload, type MessageDefinition } from '../../../src/message/definition.js'
import { rejection, thrown } from '../thrown.js'

const reminder = defineMessage(
  'appointment.reminder',
  z.object({ patient: z.object({ name: z.string().min(1) }), rooms: z.array(z.string()), at: z.string().optional() }),
)

const encode = async (definition: unknown, payload: unknown) => encodePayload(definition as MessageDefinition, payload)
const decode = async (definition: unknown, body: string | Uint8Array, version = 1) =>
  await decodePayload(
    definition as MessageDefinition | undefined,
    typeof body === 'string' ? new TextEncoder().encode(body) : body,
    version,
  )
const text = (body: Uint8Array) => new TextDecoder().decode(body)

/** A Standard Schema without a library: doubles whole numbers, and checks them asynchronously. */
const doubled: StandardSchemaV1<number, bigint> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      await Promise.resolve()
      if (typeof value === 'number') return { value: BigInt(value) * 2n }
      return { issues: [{ message: 'not a number', path: ['a', { key: 0 }, { key: 'b' }, 1, Symbol('s')] }] }
    },
  },
}

describe('defineMessage', () => {
  it('has its name and schema, version 1 and no upgrade by default', () => {
    expect(reminder).toMatchObject({ name: 'appointment.reminder', version: 1, upgrade: undefined })
    const upgrade = () => 1
    expect(defineMessage('m', doubled, { version: 3, upgrade })).toMatchObject({ version: 3, upgrade, schema: doubled })
  })

  it('distinguishes the type that a producer passes from the type that a handler receives', () => {
    const length = defineMessage(
      'length',
      z.string().transform((value) => value.length),
    )
    expectTypeOf(length).toEqualTypeOf<MessageDefinition<string, number>>()
    expectTypeOf(defineMessage('doubled', doubled)).toEqualTypeOf<MessageDefinition<number, bigint>>()
  })

  it('takes a schema that is a function', () => {
    expect(
      defineMessage(
        'f',
        Object.assign(() => 1, doubled),
      ).name,
    ).toBe('f')
  })

  it.each<[string, unknown, unknown, unknown]>([
    ['name', '', doubled, {}],
    ['name', 'é'.repeat(128), doubled, {}],
    ['name', undefined, doubled, {}],
    ['schema', 'm', undefined, {}],
    ['schema', 'm', null, {}],
    ['schema', 'm', { '~standard': {} }, {}],
    ['version', 'm', doubled, { version: 0 }],
    ['version', 'm', doubled, { version: 1.5 }],
    ['version', 'm', doubled, { version: 2 ** 31 }],
    ['version', 'm', doubled, { version: '1' }],
  ])('refuses a wrong %s', (option, name, schema, options) => {
    const error = thrown(() => defineMessage(name as string, schema as StandardSchemaV1, options as object))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })
})

describe('the body', () => {
  it('is the input of the producer; the handler gets the output', async () => {
    const definition = defineMessage('m', z.object({ on: z.string().transform((value) => new Date(value)) }))
    const body = await encode(definition, { on: '2026-01-01T00:00:00Z' })
    expect(text(body)).toBe('{"on":"2026-01-01T00:00:00Z"}')
    expect(await decode(definition, body)).toEqual({ on: new Date('2026-01-01T00:00:00Z') })
  })

  it('is checked by an asynchronous schema, on both ends', async () => {
    const definition = defineMessage('m', doubled)
    expect(await decode(definition, await encode(definition, 21))).toBe(42n)
    for (const failed of [encode(definition, 'x'), decode(definition, '"x"')]) {
      expect(await rejection(failed)).toMatchObject({ data: { issues: [{ path: 'a[0].b[1].Symbol(s)' }] } })
    }
  })

  it('is also checked if the schema returns a foreign thenable', async () => {
    const thenable = { then: (resolve: (result: unknown) => void) => resolve({ issues: [{ message: 'no' }] }) }
    const definition = { ...reminder, schema: { '~standard': { validate: () => thenable } } }
    expect((await rejection(encode(definition, {}))).code).toBe('INVALID_PAYLOAD')
  })

  it('returns any JSON unchanged', async () => {
    const anything = defineMessage('m', z.unknown())
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        expect(await decode(anything, await encode(anything, value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it.each<[string, unknown, { path: string }[]]>([
    ['patient.name', { patient: { name: '' }, rooms: [] }, [{ path: 'patient.name' }]],
    ['rooms[1]', { patient: { name: 'a' }, rooms: ['a', 5] }, [{ path: 'rooms[1]' }]],
    ['the payload itself', 'x', [{ path: '' }]],
    ['every field', { patient: {}, rooms: 5, at: 5 }, [{ path: 'patient.name' }, { path: 'rooms' }, { path: 'at' }]],
  ])('that does not fit is refused on both ends, naming %s', async (_, payload, issues) => {
    for (const failed of [encode(reminder, payload), decode(reminder, JSON.stringify(payload))]) {
      const error = await rejection(failed)
      expect(error).toMatchObject({ code: 'INVALID_PAYLOAD', outcome: 'refused' })
      expect(error.data).toMatchObject({ message: 'appointment.reminder', issues })
      for (const { path } of issues) expect(error.message).toContain(path)
    }
  })

  it.each([
    ['a z.date()', z.object({ x: z.date() }), { x: new Date() }],
    ['a z.map()', z.object({ x: z.map(z.string(), z.string()) }), { x: new Map() }],
    ['a number that is none', z.object({ x: z.number() }), { x: NaN }],
    ['a required undefined', z.object({ x: z.undefined().or(z.null()).nonoptional() }), { x: undefined }],
  ])('that would not survive JSON is refused at the producer: %s', async (_, schema, payload) => {
    expect(await rejection(encode(defineMessage('m', schema), payload))).toMatchObject({
      code: 'INVALID_PAYLOAD',
      data: { issues: [{ path: 'x' }] },
    })
  })

  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint', 5n],
    ['a nested bigint', { a: [5n] }],
    ['a cycle', cycle],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('no')
        },
      },
    ],
  ])('that JSON cannot express is refused with this reason: %s', async (_, payload) => {
    const error = await rejection(encode(defineMessage('m', z.unknown()), payload))
    expect(error).toMatchObject({ code: 'INVALID_PAYLOAD', data: { message: 'm', issues: [{ path: '' }] } })
    expect(error.message).toContain('JSON')
  })

  it.each([undefined, 5n])('that JSON cannot express is explained in its issue: %s', async (payload) => {
    const { data } = await rejection(encode(defineMessage('m', z.unknown()), payload))
    expect((data as { issues: { message: string }[] }).issues[0]?.message).toContain('JSON')
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['half a JSON', new TextEncoder().encode('{"a":')],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['UTF-8 cut short', Uint8Array.of(0x22, 0xc3, 0x22)],
    ['Latin-1', Uint8Array.of(0x22, 0xe9, 0x22)],
  ])('that arrives as %s is refused, with or without a definition', async (_, body) => {
    for (const definition of [reminder, undefined]) {
      expect(await rejection(decode(definition, body))).toMatchObject({ code: 'INVALID_PAYLOAD' })
    }
  })

  it('without a definition is the JSON as it arrived', async () => {
    expect(await decode(undefined, '{"a":[1,null]}', 7)).toEqual({ a: [1, null] })
  })
})

describe('an older version', () => {
  const steps: unknown[] = []
  const current = defineMessage('m', z.object({ name: z.string() }), {
    version: 3,
    upgrade: (payload, from) => {
      steps.push([payload, from])
      return { name: from === 1 ? (payload as string) : (payload as { n: string }).n }
    },
  })

  it.each([
    [1, '"a"', 'a', 1],
    [2, '{"n":"b"}', 'b', 1],
    [3, '{"name":"c"}', 'c', 0],
  ])('%i is upgraded before it is checked, the current one is not', async (version, body, name, upgrades) => {
    steps.length = 0
    expect(await decode(current, body, version)).toEqual({ name })
    expect(steps).toEqual(upgrades ? [[JSON.parse(body), version]] : [])
  })

  it('that is still invalid after its upgrade is refused', async () => {
    expect(await rejection(decode(current, '5', 1))).toMatchObject({ data: { issues: [{ path: 'name' }] } })
  })

  it('may be upgraded asynchronously', async () => {
    const upgrade = (payload: unknown) => Promise.resolve({ name: payload })
    expect(await decode(defineMessage('m', z.object({ name: z.string() }), { version: 2, upgrade }), '"a"')).toEqual({
      name: 'a',
    })
  })
})
