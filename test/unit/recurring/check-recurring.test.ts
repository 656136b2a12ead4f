import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkRecurring } from '../../../src/recurring/check-recurring.js'
import { decodeDefinition, encodeDefinition, isSame } from '../../../src/recurring/definition.js'
import type { RecurringOptions } from '../../../src/recurring/recurring-options.js'
import { nextTime } from '../../../src/recurring/times.js'
import { defineMessage } from '../../../src/message/definition.js'
import { rejection } from '../thrown.js'

const NOW = Date.UTC(2026, 10, 23, 8)
const DAY = 86_400_000
const message = defineMessage('report.wanted', z.object({ patient: z.string() }), { version: 3 })
const given = { message, payload: { patient: 'Ada' }, to: { queue: 'reports' } }
/** Also takes values that the types refuse. */
const check = (options: unknown, id: unknown = 'report') =>
  checkRecurring(id as string, options as RecurringOptions, NOW)

describe('a schedule', () => {
  it('has defaults for what is not given', async () => {
    expect(await check({ ...given, cron: '0 9 * * *' })).toEqual({
      id: 'report',
      revision: 0,
      name: 'report.wanted',
      version: 3,
      body: '{"patient":"Ada"}',
      to: { queue: 'reports' },
      headers: {},
      priority: undefined,
      cron: '0 9 * * *',
      tz: 'UTC',
      since: NOW,
      counted: 0,
      jitterMs: 0,
      catchUp: 'once',
      catchUpWindowMs: 7 * DAY,
      expiresInMs: undefined,
      paused: false,
      note: undefined,
    })
  })

  it('keeps what is given, in milliseconds, and comes back as it was written', async () => {
    const definition = await check({
      ...given,
      every: '15m',
      from: '2026-11-24T09:00:00+01:00',
      until: new Date(NOW + 9 * DAY),
      limit: 3,
      jitter: '30s',
      catchUp: 'none',
      catchUpWindow: { hours: 1 },
      expiresIn: 'PT1H',
      headers: { tenant: 'a' },
      priority: 1,
      note: 'n',
      declare: true,
    })
    expect(definition).toMatchObject({
      everyMs: 900_000,
      from: NOW + DAY,
      until: NOW + 9 * DAY,
      limit: 3,
      endsAt: NOW + DAY + 2 * 900_000,
      jitterMs: 30_000,
      catchUp: 'none',
      catchUpWindowMs: 3_600_000,
      expiresInMs: 3_600_000,
      headers: { tenant: 'a' },
      priority: 1,
      note: 'n',
    })
    expect(definition).not.toHaveProperty('tz')
    expect(isSame(definition, decodeDefinition(encodeDefinition(definition)))).toBe(true)
  })

  it('that is paused from the start counts nothing of its limit', async () => {
    const paused = await check({ ...given, every: '1d', limit: 3, paused: true })
    expect(paused).toMatchObject({ paused: true, counted: 0, limit: 3 })
    expect(paused).not.toHaveProperty('endsAt')
  })

  it('whose end is over has no next time', async () => {
    expect(nextTime(await check({ ...given, cron: '@daily', until: new Date(NOW - 1) }), NOW)).toBeUndefined()
  })

  it('may have an id of 200 bytes', async () => {
    expect((await check({ ...given, every: 1000 }, 'ä'.repeat(100))).id).toHaveLength(100)
  })
})

const CRON = { ...given, cron: '0 9 * * *' }
const EVERY = { ...given, every: '1h' }

describe('refused as INVALID_OPTION is', () => {
  it.each([
    ['cron', 'neither cron nor every', given],
    ['every', 'both', { ...CRON, every: '1h' }],
    ['cron', 'a pattern that cannot be read', { ...given, cron: '61 * * * *' }],
    ['cron', 'a pattern that never runs', { ...given, cron: '0 0 30 2 *' }],
    ['cron', 'a number as pattern', { ...given, cron: 5 }],
    ['tz', 'an offset', { ...CRON, tz: '+02:00' }],
    ['tz', 'an offset from UTC', { ...CRON, tz: 'UTC+2' }],
    ['tz', 'an unknown zone', { ...CRON, tz: 'Europe/Nowhere' }],
    ['tz', 'an empty zone', { ...CRON, tz: '' }],
    ['tz', 'a zone that is no text', { ...CRON, tz: 5 }],
    ['tz', 'a zone with every', { ...EVERY, tz: 'UTC' }],
    ['every', 'under a second', { ...given, every: 999 }],
    ['every', 'over ten years', { ...given, every: '3651d' }],
    ['until', 'an end before the beginning', { ...EVERY, from: new Date(NOW), until: new Date(NOW - 1) }],
    ['until', 'no time until the end', { ...CRON, from: '2026-11-24T10:00Z', until: '2026-11-25T08:59Z' }],
    ['from', 'a beginning after ten years', { ...CRON, from: new Date(NOW + 3651 * DAY) }],
    ['from', 'a first time after ten years', { ...given, cron: '@yearly', from: new Date(NOW + 3649 * DAY) }],
    ['limit', '0 times', { ...EVERY, limit: 0 }],
    ['limit', 'more than 1,000 times', { ...EVERY, limit: 1001 }],
    ['limit', 'half a time', { ...EVERY, limit: 1.5 }],
    ['jitter', 'a jitter over the distance', { ...EVERY, jitter: '61m' }],
    ['jitter', 'a jitter over a day', { ...CRON, jitter: '25h' }],
    ['catchUp', 'another way to catch up', { ...CRON, catchUp: 'some' }],
    ['catchUpWindow', 'a window over ten years', { ...CRON, catchUpWindow: 1e300 }],
    ['expiresIn', 'no use at all', { ...CRON, expiresIn: 0 }],
    ['priority', 'a priority of 5', { ...CRON, priority: 5 }],
    ['paused', 'a text for a flag', { ...CRON, paused: 'yes' }],
    ['note', 'a note of 1001 bytes', { ...CRON, note: 'ä'.repeat(500) + 'a' }],
    ['declare', 'a text for declare', { ...CRON, declare: 'yes' }],
    ['to', 'no destination', { ...CRON, to: undefined }],
    ['message', 'no message', { ...CRON, message: undefined }],
    ['timezone', 'an unknown option', { ...CRON, timezone: 'UTC' }],
    ['id', 'an empty id', CRON, ''],
    ['id', 'a number as id', CRON, 5],
    ['id', 'half a pair of surrogates in the id', CRON, 'a\ud800'],
  ])('%s: %s', async (option, _, options, id?: unknown) => {
    const error = await rejection(id === undefined ? check(options) : check(options, id))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
    expect(error.message).toContain(option)
  })
})

it.each([
  ['INVALID_DUE', 'every', { ...given, every: 'often' }],
  ['INVALID_DUE', 'from', { ...CRON, from: '2026-11-24' }],
  ['INVALID_DUE', 'until', { ...CRON, until: NOW }],
  ['INVALID_DUE', 'jitter', { ...CRON, jitter: -1 }],
  ['INVALID_DUE', 'catchUpWindow', { ...CRON, catchUpWindow: 'week' }],
  ['INVALID_PAYLOAD', 'patient', { ...CRON, payload: { patient: 5 } }],
  ['RESERVED_NAME', 'dueque-x', { ...CRON, headers: { 'dueque-x': 1 } }],
  ['NAME_TOO_LONG', 'id: 201 bytes, over the limit of 200', CRON, 'a'.repeat(201)],
])('%s is thrown, with what is wrong: %s', async (code, text, options, id = 'report') => {
  const error = await rejection(check(options, id))
  expect(error.code).toBe(code)
  expect(error.message).toContain(text)
})

it('TypeScript wants one of cron and every', () => {
  const take = (_options: RecurringOptions<{ patient: string }>) => undefined
  take({ ...given, cron: '@daily', tz: 'Europe/Berlin' })
  take({ ...given, every: '1h' })
  // @ts-expect-error neither cron nor every
  take(given)
  // @ts-expect-error both cron and every
  take({ ...given, cron: '@daily', every: '1h' })
  // @ts-expect-error a zone with every
  take({ ...given, every: '1h', tz: 'UTC' })
  // @ts-expect-error another payload
  take({ ...given, payload: { patient: 5 }, every: '1h' })
})
