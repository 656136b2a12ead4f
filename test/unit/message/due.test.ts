import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_DELAY_MS, resolveDue, type Due } from '../../../src/message/due.js'
import { isDuequeError } from '../../../src/base/errors.js'
import { thrown } from '../thrown.js'

const NOW = Date.UTC(2026, 10, 23, 8)
const [MINUTE, HOUR] = [60_000, 3_600_000]

/** Also takes values that the types refuse. */
const resolve = (due: unknown, maxDelayMs = MAX_DELAY_MS) => resolveDue(due as Due, NOW, maxDelayMs)
const codeOf = (due: unknown) => thrown(() => resolve(due)).code

describe('at', () => {
  it.each([
    ['2026-11-23T09:00:00Z', NOW + HOUR],
    ['2026-11-23t09:00:00z', NOW + HOUR],
    ['2026-11-23T09:00Z', NOW + HOUR],
    ['2026-11-23T09:00:00+01:00', NOW],
    ['2026-11-23T09:00:00+0100', NOW],
    ['2026-11-23T09:00:00+01', NOW],
    ['2026-11-23T04:30:00-03:30', NOW],
    ['2026-11-23T13:45:00+05:45', NOW],
    ['2026-11-24T07:59:00+23:59', NOW],
    ['2026-11-22T08:01:00-23:59', NOW],
    ['2026-11-23T08:00:00-00:00', NOW],
    ['2026-11-23T08:00:00.5Z', NOW + 500],
    ['2026-11-23T08:00:00,25Z', NOW + 250],
    ['2026-11-23T08:00:00.001Z', NOW + 1],
    ['2026-11-23T08:00:00.0001Z', NOW + 1],
    ['2026-11-23T08:00:00.000000001Z', NOW + 1],
    ['2026-11-23T08:00:00.123000000Z', NOW + 123],
    ['2026-11-23T08:00:00.123000001Z', NOW + 124],
    ['2026-11-23T08:00:00.9999Z', NOW + 1000],
    ['2026-11-23T09:00:00+01:00[Europe/Berlin]', NOW],
    ['2026-11-23T09:00:00+01:00[Europe/Berlin][u-ca=iso8601]', NOW],
    ['2026-11-23T08:00:00Z[!Etc/UTC]', NOW],
    ['2026-11-23T09:00:00[Europe/Berlin]', NOW],
    ['2026-11-23T09:00:00[!europe/berlin][u-ca=hebrew]', NOW],
    ['2026-11-23T09:00:00.5[Europe/Berlin]', NOW + 500],
    ['2026-11-23T08:00:00Z[Europe/Berlin]', NOW],
    ['2026-11-23T08:00:00-00:00[Europe/Berlin]', NOW],
    ['2026-11-23T13:45:00+05:45[Asia/Kathmandu]', NOW],
    ['2026-11-23T09:00:00[+01:00]', NOW],
    ['2026-11-23T09:00:00+01:00[+01:00][!u-ca=iso8601][_x=1]', NOW],
    // Both instants of a local time that occurs twice, and the first of them without an offset.
    ['2026-10-25T02:30:00+02:00[Europe/Berlin]', Date.UTC(2026, 9, 25, 0, 30)],
    ['2026-10-25T02:30:00+01:00[Europe/Berlin]', Date.UTC(2026, 9, 25, 1, 30)],
    ['2026-10-25T02:30:00[Europe/Berlin]', Date.UTC(2026, 9, 25, 0, 30)],
    ['2026-10-25T03:00:00[Europe/Berlin]', Date.UTC(2026, 9, 25, 2)],
    ['2026-03-29T01:59:59[Europe/Berlin]', Date.UTC(2026, 2, 29, 0, 59, 59)],
    ['2026-03-29T03:00:00[Europe/Berlin]', Date.UTC(2026, 2, 29, 1)],
    ['2026-04-05T01:45:00[Australia/Lord_Howe]', Date.UTC(2026, 3, 4, 14, 45)],
    // Local mean time, 53 min 28 s before UTC.
    ['1800-01-01T00:00:00+00:53[Europe/Berlin]', Date.UTC(1799, 11, 31, 23, 7)],
    ['0001-01-01T00:53:28[Europe/Berlin]', -62_135_596_800_000],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['2026-01-01T00:00:00+14:00', Date.UTC(2025, 11, 31, 10)],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
    [new Date(NOW + 5), NOW + 5],
    [new Date(0), 0],
    [{ epochMilliseconds: NOW + 5 }, NOW + 5],
    [{ epochMilliseconds: NOW + 0.25 }, NOW + 1],
    [{ epochMilliseconds: -1 }, -1],
  ])('%j is accepted, past or future', (at, ms) => {
    expect(resolve({ at })).toBe(ms)
  })

  const NOT_INSTANTS = [
    '|tomorrow|2026-11-23|2026-11-23Z|09:00Z|2026-11-23T09Z|2026-11-23 09:00:00Z|2026-11-23T09:00:00 Z|2026-11-23T09:00:00Z ',
    '2026-11-23T09:00:00Z[]|2026-11-23T09:00:00+1:00|2026-11-23T09:00:00+01:0',
    '2026-11-23T09:00:00.Z|2026-11-23T09:00:00.1234567890Z|26-11-23T09:00:00Z|+002026-11-23T09:00:00Z',
    '2026-02-30T00:00:00Z|2027-02-29T00:00:00Z|2100-02-29T00:00:00Z|2026-04-31T00:00:00Z|2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z|2026-01-00T00:00:00Z|2026-11-23T24:00:00Z|2026-11-23T09:60:00Z|2026-11-23T09:00:60Z',
    '2026-11-23T09:00:00+24:00|2026-11-23T09:00:00+01:60',
    '2026-07-01T09:00:00+01:00[Europe/Berlin]|2026-07-01T09:00:00+01:00[!Europe/Berlin]|2026-11-23T09:00:00+00:00[Europe/Berlin]',
    '2026-07-01T09:00:00+02:00[Nowhere/Town]|2026-07-01T09:00:00Z[Nowhere/Town]|2026-07-01T09:00:00[Nowhere/Town]',
    '2026-07-01T09:00:00+02:00[!foo=bar]|2026-07-01T09:00:00+02:00[!u-ca=hebrew]|2026-07-01T09:00:00[u-ca=iso8601]',
    '2026-07-01T09:00:00Z[UTC][Etc/UTC]|2026-07-01T09:00:00Z[u-ca=iso8601][UTC]|2026-07-01T09:00:00+02:00[Europe/ Berlin]',
    '2026-03-29T02:30:00[Europe/Berlin]|2026-03-29T02:30:00+01:00[Europe/Berlin]|2011-12-30T12:00:00[Pacific/Apia]',
    '2026-10-04T02:15:00[Australia/Lord_Howe]|2026-11-23T09:00:00[+24:00]|2026-11-23T09:00:00+01:00[+02:00]',
  ]
  it.each([
    ...NOT_INSTANTS.flatMap((line) => line.split('|')),
    ...[NaN, Infinity, '5', 5n, undefined].map((epochMilliseconds) => ({ epochMilliseconds })),
    ...[NOW, new Date(NaN), {}, null, true],
  ])('%o is refused', (at) => {
    expect(codeOf({ at })).toBe('INVALID_DUE')
  })

  it('a number is refused, saying how to give milliseconds since 1970', () => {
    expect(thrown(() => resolve({ at: NOW })).message).toContain(`write new Date(${NOW})`)
  })

  it.each(['2026-11-23T09:00:00', '2026-11-23T09:00', '2026-11-23 09:00:00', '2026-11-23T09:00:00.123'])(
    '%s is refused, saying that the zone is missing',
    (at) => {
      expect(thrown(() => resolve({ at })).message).toContain('the zone is missing')
    },
  )

  const DATES = fc.date({
    min: new Date(Date.UTC(1972, 5, 1)),
    max: new Date(Date.UTC(2035, 0, 1)),
    noInvalidDate: true,
  })

  it('a text with any offset is read as the instant that it was written from', () => {
    fc.assert(
      fc.property(DATES, fc.integer({ min: -1439, max: 1439 }), (date, minutes) => {
        const local = new Date(date.getTime() + minutes * MINUTE).toISOString().slice(0, -1)
        const pair = (value: number) => String(Math.floor(value)).padStart(2, '0')
        const offset = `${minutes < 0 ? '-' : '+'}${pair(Math.abs(minutes) / 60)}:${pair(Math.abs(minutes) % 60)}`
        expect(resolve({ at: local + offset })).toBe(date.getTime())
      }),
      { numRuns: 500 },
    )
  })

  it('a text in any time zone is read as the instant that it was written from', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Kathmandu',
      'Pacific/Kiritimati',
      'Pacific/Marquesas',
    ]
    const formats = zones.map((timeZone) => {
      const style = { timeZone, dateStyle: 'short', timeStyle: 'medium' } as const
      const offset = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
      return { timeZone, clock: new Intl.DateTimeFormat('sv-SE', style), offset }
    })
    fc.assert(
      fc.property(DATES, fc.constantFrom(...formats), (date, { timeZone, clock, offset }) => {
        const name = offset.formatToParts(date).find(({ type }) => type === 'timeZoneName')!.value
        const zone = name === 'GMT' ? 'Z' : name.slice(3)
        const at = `${clock.format(date).replace(' ', 'T')}${zone}[${timeZone}]`
        const seconds = Math.floor(date.getTime() / 1000) * 1000
        expect(resolve({ at })).toBe(seconds)
        // The zone alone means the first of two instants that have this local time.
        const first = resolve({ at: at.replace(zone, '') })
        expect(first).toBeLessThanOrEqual(seconds)
        expect(clock.format(first)).toBe(clock.format(date))
      }),
    )
  })

  it('each of the thousand milliseconds of a second is read exactly', () => {
    const late = Array.from({ length: 1000 }, (_, ms) => ms).filter(
      (ms) => resolve({ at: `2026-11-23T08:00:00.${String(ms).padStart(3, '0')}Z` }) !== NOW + ms,
    )
    expect(late).toEqual([])
  })

  it.each([-1e17, -1e300])(
    'epochMilliseconds %d, outside the range of a Date, never makes an invalid due time',
    (ms) => {
      // The receipt writes the due time as ISO 8601, after the message is sent.
      let due = 0
      try {
        due = resolve({ at: { epochMilliseconds: ms } })
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_DUE' })
      }
      expect(new Date(due).getTime()).not.toBeNaN()
    },
  )
})

it.each([
  ['neither', {}],
  ['both', { in: 5, at: new Date(NOW) }],
  ['both', { in: '', at: null }],
  ['neither', { in: undefined, at: undefined }],
])('%s of in and at is refused: %j', (which, due) => {
  const error = thrown(() => resolve(due))
  expect(error.code).toBe('INVALID_DUE')
  expect(error.message).toContain(which)
})

it.each([
  { in: MAX_DELAY_MS },
  { in: '3650d' },
  { at: new Date(NOW + MAX_DELAY_MS) },
  { at: { epochMilliseconds: NOW + MAX_DELAY_MS } },
])('the limit is accepted: %j', (due) => {
  expect(resolve(due)).toBe(NOW + MAX_DELAY_MS)
})

it.each([
  { in: MAX_DELAY_MS + 1 },
  { in: MAX_DELAY_MS + 0.001 },
  { in: '3650d1ms' },
  { at: new Date(NOW + MAX_DELAY_MS + 1) },
  { at: { epochMilliseconds: NOW + MAX_DELAY_MS + 0.25 } },
])('a millisecond over the limit is refused: %j', (due) => {
  expect(thrown(() => resolve(due))).toMatchObject({
    code: 'DELAY_OUT_OF_RANGE',
    outcome: 'refused',
    data: { delayMs: MAX_DELAY_MS + 1, maxDelayMs: MAX_DELAY_MS },
  })
})

it('any text is either understood or refused as INVALID_DUE', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.stringMatching(/^[\d.wdhms]{0,12}$/),
    fc.stringMatching(/^[Pp][\d.WDTHMSYs-]{0,12}$/),
    fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?([.,]\d{0,10})?(Z|[+-]\d\d:?\d\d)?(\[.*\])?$/),
  )
  fc.assert(
    fc.property(texts, (text) => {
      for (const due of [{ in: text }, { at: text }]) {
        try {
          if (Number.isNaN(resolve(due, Infinity))) throw new Error('not a number')
        } catch (error) {
          if (!isDuequeError(error, 'INVALID_DUE')) throw error
        }
      }
    }),
    { numRuns: 300 },
  )
})
