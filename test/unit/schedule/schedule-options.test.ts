import { describe, expect, it, vi } from 'vitest'
import { resolveSchedule, type ScheduleOptions } from '../../../src/schedule/schedule-options.js'
import { MAX_DELAY_MS } from '../../../src/message/due.js'
import { thrown } from '../thrown.js'

const NOW = Date.UTC(2026, 10, 23, 8)
const given = { to: { queue: 'q' }, in: 1000 }
/** Also takes values that the types refuse. */
const resolve = (options: unknown, now = NOW) => resolveSchedule(options as ScheduleOptions, now, MAX_DELAY_MS)

it('missing options have their defaults', () => {
  const { id, revision, ...rest } = resolve(given)
  expect(id).toMatch(/^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/)
  expect(revision).toBeGreaterThanOrEqual(NOW * 1000)
  expect(rest).toMatchObject({
    dueAt: NOW + 1000,
    destination: { queue: 'q' },
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    expiresAt: undefined,
    scheduledAt: NOW,
    attempt: 1,
  })
})

it('given options are kept, as copies', () => {
  const headers = { tenant: 'a' }
  const to = { exchange: 'clinic', routingKey: 'r' }
  const checked = resolve({
    to,
    at: new Date(NOW + 5),
    id: 'i',
    headers,
    priority: 4,
    correlationId: 'c',
    dedupeKey: 'k',
  })
  headers.tenant = 'b'
  to.routingKey = 'other'
  expect(checked).toMatchObject({ id: 'i', priority: 4, correlationId: 'c', dedupeKey: 'k', headers: { tenant: 'a' } })
  expect(checked.destination).toEqual({ exchange: 'clinic', routingKey: 'r' })
})

it('headers within headers can be changed after the call without changing the message', () => {
  const inner = { tenant: 'a' }
  const { headers } = resolve({ ...given, headers: { inner } })
  inner.tenant = 'b'
  expect(headers).toEqual({ inner: { tenant: 'a' } })
})

describe('repeat', () => {
  const receipt = { id: 'i', dueAt: new Date(NOW + 500).toISOString(), revision: 7, destination: { queue: 'q' } }

  it('takes id, due time and revision from the receipt, whatever else is given', () => {
    const repeated = { id: 'i', dueAt: NOW + 500, revision: 7, attempt: 1 }
    expect(resolve({ ...given, id: 'other', repeat: receipt })).toMatchObject(repeated)
    expect(resolve({ to: { queue: 'q' }, repeat: JSON.parse(JSON.stringify(receipt)) as unknown })).toMatchObject(
      repeated,
    )
  })

  it.each([[{}], [{ ...receipt, id: undefined }], [{ ...receipt, revision: '7' }], [{ ...receipt, revision: -1 }]])(
    'must be a receipt, not %j',
    (repeat) => {
      expect(thrown(() => resolve({ ...given, repeat }))).toMatchObject({
        code: 'INVALID_OPTION',
        data: { option: 'repeat' },
      })
    },
  )

  it('goes to the same destination, and expires with the first one', () => {
    const to = { queue: 'other' }
    expect(thrown(() => resolve({ ...given, to, repeat: receipt }))).toMatchObject({ data: { option: 'to' } })
    const revision = (NOW - 60_000) * 1000 + 5
    const due = { dueAt: new Date(0).toISOString(), revision }
    expect(resolve({ ...given, expiresIn: 500, repeat: { ...receipt, ...due } }).expiresAt).toBe(NOW - 60_000 + 500)
  })

  it('must have a due time within the limit', () => {
    expect(thrown(() => resolve({ ...given, repeat: { ...receipt, dueAt: 'soon' } })).code).toBe('INVALID_DUE')
  })
})

describe('expiresIn', () => {
  it.each([
    [{ in: 1000, expiresIn: 500 }, NOW + 1500],
    [{ in: 0, expiresIn: '1m' }, NOW + 60_000],
    [{ at: new Date(NOW + 5), expiresIn: 'PT1S' }, NOW + 1005],
    [{ at: new Date(0), expiresIn: '1m' }, NOW + 60_000],
    [{ in: 0, expiresIn: 0.5 }, NOW + 1],
  ])('counts from the due time, or from now if it is past: %j', (options, expiresAt) => {
    expect(resolve({ to: { queue: 'q' }, ...options }).expiresAt).toBe(expiresAt)
  })

  it.each([0, '0s', -1, NaN, 'soon', '', null])('%s is refused', (expiresIn) => {
    expect(thrown(() => resolve({ ...given, expiresIn })).code).toMatch(/^INVALID_(DUE|OPTION)$/)
  })

  it('is named in its error, instead of `in`', () => {
    expect(thrown(() => resolve({ ...given, expiresIn: 'soon' })).message).toMatch(/^expiresIn/)
  })
})

it.each([undefined, null, 'x', 5])('%s instead of options is refused', (options) => {
  expect(thrown(() => resolve(options))).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'options' } })
})

it.each<[object, string, string]>([
  [{ to: undefined }, 'INVALID_OPTION', 'to'],
  [{ to: { queue: 'q', exchange: 'e' } }, 'INVALID_OPTION', 'to'],
  [{ id: '' }, 'INVALID_OPTION', 'id'],
  [{ id: null }, 'INVALID_OPTION', 'id'],
  [{ id: 5 }, 'INVALID_OPTION', 'id'],
  [{ correlationId: '' }, 'INVALID_OPTION', 'correlationId'],
  [{ correlationId: null }, 'INVALID_OPTION', 'correlationId'],
  [{ dedupeKey: '' }, 'INVALID_OPTION', 'dedupeKey'],
  [{ headers: null }, 'INVALID_OPTION', 'headers'],
  [{ headers: { a: { b: NaN } } }, 'INVALID_OPTION', 'headers.a.b'],
  ...[-1, 5, 1.5, NaN, '1', null].map((priority): [object, string, string] => [
    { priority },
    'INVALID_OPTION',
    'priority',
  ]),
])('%j is refused as %s of %s', (options, code, option) => {
  expect(thrown(() => resolve({ ...given, ...options }))).toMatchObject({ code, data: { option }, outcome: 'refused' })
})

it.each(['id', 'correlationId', 'dedupeKey'])('%s is up to 255 bytes long', (option) => {
  expect(resolve({ ...given, [option]: '日'.repeat(85) })).toMatchObject({ [option]: '日'.repeat(85) })
  const error = thrown(() => resolve({ ...given, [option]: `${'日'.repeat(85)}x` }))
  expect(error).toMatchObject({ code: 'NAME_TOO_LONG', data: { bytes: 256, maxBytes: 255 } })
  expect(error.message).toContain(option)
})

it.each([
  [{ in: -1 }, 'INVALID_DUE'],
  [{ in: 1, at: new Date() }, 'INVALID_DUE'],
  [{ in: '3650d1ms' }, 'DELAY_OUT_OF_RANGE'],
  [{ in: 1, headers: { BCC: 'x' } }, 'RESERVED_NAME'],
  [{ in: 1, headers: { a: 'x'.repeat(50_000) } }, 'HEADERS_TOO_LARGE'],
])('%j is refused as %s', (options, code) => {
  expect(thrown(() => resolve({ to: { queue: 'q' }, ...options })).code).toBe(code)
})

it('the later of two schedules has the greater revision, also within a millisecond and when the clock goes back', async () => {
  // With the revisions of a new process.
  vi.resetModules()
  const { resolveSchedule: newSchedule } = await import('../../../src/schedule/schedule-options.js')
  const clock = [...Array<number>(2000).fill(NOW), NOW - 5000, NOW - 5000, NOW + 1, NOW + 10_000]
  const revisions = clock.map((now) => newSchedule(given as ScheduleOptions, now, MAX_DELAY_MS).revision)
  for (const [i, revision] of revisions.entries()) {
    expect(Number.isSafeInteger(revision)).toBe(true)
    if (i > 0 && revision <= revisions[i - 1]!) expect.fail(`${revision} after ${revisions[i - 1]!}`)
  }
  expect(Math.floor(revisions.at(-1)! / 1000)).toBe(NOW + 10_000)
})
