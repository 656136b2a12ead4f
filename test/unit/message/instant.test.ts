import { expect, it } from 'vitest'
import { parseIso } from '../../../src/message/instant.js'

it.each([
  ['2026-07-01T09:00:00+01:00[Europe/Berlin]', 'which has +02:00 then'],
  ['2026-01-01T09:00:00Z+01:00', 'expected ISO 8601'],
  ['2026-01-01T09:00:00+00:00[America/St_Johns]', 'which has -03:30 then'],
  ['2026-07-01T09:00:00[Nowhere/Town]', 'a time zone that is known here'],
  ['2026-03-29T02:30:00[Europe/Berlin]', 'do not skip'],
  ['2026-07-01T09:00:00+02:00[!foo=bar]', 'no critical annotation'],
  ['2026-07-01T09:00:00+02:00[u-ca=hebrew][Europe/Berlin]', 'as in RFC 9557'],
  ['2026-02-30T00:00:00[Europe/Berlin]', 'a time that exists'],
  ['2026-07-01T09:00:00', 'the zone is missing'],
])('%s is refused with the reason', (at, problem) => {
  expect(parseIso(at)).toEqual({ problem: expect.stringContaining(problem) as string })
})

it('each hour of a year in a zone is after the previous one', () => {
  for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'UTC']) {
    let last = -Infinity
    for (let hour = 0; hour < 8760; hour += 1) {
      const local = new Date(Date.UTC(2026, 0, 1, hour)).toISOString().slice(0, -1)
      const ms = parseIso(`${local}[${zone}]`)
      // In the gap.
      if (typeof ms !== 'number') continue
      expect(ms).toBeGreaterThan(last)
      last = ms
    }
  }
})
