import { describe, expect, it } from 'vitest'
import {
  decodeDefinition,
  encodeDefinition,
  isSame,
  type RecurringDefinition,
} from '../../../src/recurring/definition.js'
import { occurrenceId, occurrenceOf } from '../../../src/recurring/occurrence.js'
import { definitionOf } from './definition-of.js'

const NOW = Date.UTC(2026, 10, 23, 8)
const FULL = definitionOf({
  cron: '0 9 * * MON-FRI',
  tz: 'Europe/Berlin',
  from: NOW,
  until: NOW + 1,
  limit: 5,
  since: NOW,
  counted: 2,
  endsAt: NOW + 1,
  to: { exchange: 'clinic', routingKey: 'r' },
  headers: { tenant: 'ä', inner: { list: [1, null, true] } },
  priority: 2,
  jitterMs: 5,
  expiresInMs: 10,
  catchUp: 'all',
  paused: true,
  note: 'for "all"\n',
})

describe('a definition', () => {
  it.each([FULL, definitionOf({}), definitionOf({ everyMs: 1000, from: NOW, to: { queue: 'q', outlet: true } })])(
    'comes back as it was written (%#)',
    (definition) => {
      const decoded = decodeDefinition(encodeDefinition(definition))
      expect(JSON.parse(JSON.stringify(decoded))).toEqual(JSON.parse(JSON.stringify(definition)))
      expect(decodeDefinition(encodeDefinition(decoded))).toEqual(decoded)
    },
  )

  it('is JSON that people can read, with the payload in it', () => {
    const { id, revision, definition } = encodeDefinition(definitionOf({ everyMs: 5000, note: 'n' }))
    expect({ id, revision }).toEqual({ id: 'report', revision: 7 })
    expect(JSON.parse(definition!)).toEqual({
      format: 1,
      name: 'report.wanted',
      version: 1,
      to: { queue: 'reports' },
      headers: {},
      everyMs: 5000,
      since: 0,
      counted: 0,
      jitterMs: 0,
      catchUp: 'once',
      catchUpWindowMs: 604_800_000,
      paused: false,
      note: 'n',
      payload: { patient: 'Ada' },
    })
  })

  it('of a later version loses the fields that this one does not know', () => {
    const { definition, ...record } = encodeDefinition(FULL)
    const later = { ...record, definition: JSON.stringify({ ...(JSON.parse(definition!) as object), colour: 'red' }) }
    expect(decodeDefinition(later)).toEqual(decodeDefinition({ definition, ...record }))
  })

  it.each([
    ['the mark of a removed one', undefined, /format/],
    ['no JSON', '{', /JSON/],
    ['null', null, /format undefined/],
    ['a later format', { format: 2 }, /format 2: this version reads 1/],
    ['no payload', { payload: undefined }, /payload is missing/],
    ['no name', { name: 5 }, /name is 5/],
    ['no destination', { to: {} }, /to is a value/],
    ['a list of headers', { headers: [] }, /headers is an array/],
    ['a distance under a second', { cron: undefined, everyMs: 1 }, /everyMs is 1/],
    ['neither a pattern nor a distance', { cron: undefined }, /cron/],
    ['a pattern that cannot be read', { cron: '* * *' }, /five or six fields/],
    ['a zone that is not known here', { tz: 'Nowhere/Town' }, /time zone that is known here/],
    ['another way to catch up', { catchUp: 'some' }, /catchUp is "some"/],
    ['a limit over the limit', { limit: 1e9 }, /limit is 1000000000/],
    ['text for a time', { since: 'x' }, /since is "x"/],
  ])('with %s cannot be read', (_, change, text) => {
    const { definition, ...record } = encodeDefinition(FULL)
    const changed =
      typeof change === 'object' && change !== null
        ? JSON.stringify({ ...(JSON.parse(definition!) as object), ...change })
        : change === null
          ? 'null'
          : change
    expect(() => decodeDefinition({ ...record, definition: changed })).toThrow(text)
  })

  it.each([
    ['revision', { revision: 8 }],
    ['books', { since: 5, counted: 4, endsAt: 6 }],
    ['order of keys', { body: '{ "b": 1, "a": 2 }' }, { body: '{"a":2,"b":1}' }],
  ])(
    'is the same with another %s',
    (_, change: Partial<RecurringDefinition>, other: Partial<RecurringDefinition> = {}) => {
      expect(isSame(definitionOf(change), definitionOf(other))).toBe(true)
    },
  )

  it.each([
    { everyMs: 5000 },
    { cron: '@daily' },
    { paused: true },
    { body: '{"patient":"Bob"}' },
    { to: { queue: 'q' } },
    { headers: { a: 1 } },
    { note: 'n' },
    { limit: 5 },
    { version: 2 },
  ])('is another one with %j', (change) => {
    expect(isSame(definitionOf(change), definitionOf({}))).toBe(false)
  })
})

describe('an occurrence', () => {
  it('is a message of the definition for one time', () => {
    const { body, ...message } = occurrenceOf(FULL, NOW, NOW - 5, { dueAt: NOW + 3 })
    expect(Buffer.from(body).toString()).toBe(FULL.body)
    expect(message).toEqual({
      id: 'report@2026-11-23T08:00:00.000Z',
      revision: 7,
      name: 'report.wanted',
      version: 1,
      destination: FULL.to,
      headers: { ...FULL.headers, 'dueque-scheduled-for': NOW },
      priority: 2,
      dueAt: NOW + 3,
      scheduledAt: NOW - 5,
      expiresAt: NOW + 13,
      attempt: 1,
      correlationId: undefined,
      dedupeKey: undefined,
    })
    expect(message.id).toBe(occurrenceId('report', NOW))
  })

  it('is due at its time with the jitter, and is of use for as long after that, or after a late schedule', () => {
    const due = (now: number) => occurrenceOf(FULL, NOW, now)
    expect(due(NOW - 5).dueAt - NOW).toBeLessThanOrEqual(5)
    expect(due(NOW - 5).dueAt).toBe(due(NOW + 100).dueAt)
    expect(due(NOW - 5).expiresAt).toBe(due(NOW).dueAt + 10)
    expect(due(NOW + 100).expiresAt).toBe(NOW + 110)
    expect(occurrenceOf(definitionOf({}), NOW, NOW)).toMatchObject({ dueAt: NOW, expiresAt: undefined })
  })

  it('is marked when it is backfilled', () => {
    expect(occurrenceOf(FULL, NOW, NOW, { backfilled: true }).headers).toHaveProperty('dueque-backfilled', true)
  })
})
