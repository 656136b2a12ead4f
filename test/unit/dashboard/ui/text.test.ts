import { describe, expect, test } from 'vitest'
import { instantOfInput, localInput, shortText } from '../../../../src/dashboard/ui/text/instants.js'
import { bytesText, changeText, countText } from '../../../../src/dashboard/ui/text/numbers.js'
import { jobText } from '../../../../src/dashboard/ui/text/outcomes.js'
import { visibleParts, visibleText } from '../../../../src/dashboard/ui/text/visible-text.js'
import type { Job } from '../../../../src/dashboard/api.js'

describe('text of messages', () => {
  test.each([
    ['order-1', 'order-1'],
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
    ['a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
    ['\x1b[31mred\x07', '\\u001b[31mred\\u0007'],
    ['a\nb\tc\r', 'a\\nb\\tc\\r'],
    ['a\u2028b\u200bc\ufeff', 'a\\u2028b\\u200bc\\ufeff'],
    ['pay\u00adpal \u034f\u3164\ufff9', 'pay\\u00adpal \\u034f\\u3164\\ufff9'],
    ['tag \u{e0041}\u{e007f}\u{e0100}', 'tag \\u{e0041}\\u{e007f}\\u{e0100}'],
    ['half \ud83d', 'half \\ud83d'],
    ['👩‍⚕️ ❤️ می‌خواهم שלום', '👩‍⚕️ ❤️ می‌خواهم שלום'],
  ])('%j is shown as %j', (text, shown) => expect(visibleText(text)).toBe(shown))

  test('escapes are told from text that looks like them', () => {
    expect(visibleParts('\\u202e\u202e')).toEqual([
      { text: '\\u202e', isEscape: false },
      { text: '\\u202e', isEscape: true },
    ])
  })

  test('a block keeps line breaks and tabs', () => {
    expect(visibleParts('a\n\tb\r', { keepBreaks: true })).toEqual([
      { text: 'a\n\tb', isEscape: false },
      { text: '\\r', isEscape: true },
    ])
  })
})

test('an instant survives the input of the browser', () => {
  const at = Date.parse('2026-11-30T08:15:30Z')
  expect(instantOfInput(localInput(at))).toBe(new Date(at).toISOString())
  expect(localInput(NaN)).toBe('')
  for (const value of ['', 'tomorrow']) expect(instantOfInput(value)).toBeUndefined()
})

test('a short time has a year if it is not this one', () => {
  const at = (year: number, month: number) => new Date(year, month, 2, 9, 5).getTime() // in the viewer's zone
  const now = at(2026, 10)
  expect([shortText(at(2026, 11), now), shortText(at(2027, 0), now)]).toEqual(['2 Dec, 09:05', '2 Jan 2027, 09:05'])
})

test('numbers are written for people', () => {
  expect([countText(1, 'message'), countText(1234, 'message')]).toEqual(['1 message', '1,234 messages'])
  expect([changeText(3), changeText(-2), changeText(0)]).toEqual(['+3', '−2', '±0'])
  expect([bytesText(999), bytesText(1200), bytesText(2_000_000)]).toEqual(['999 B', '1.2 kB', '2.0 MB'])
})

test.each<[Partial<Job>, string]>([
  [{ state: 'running', done: 3, of: 10, outcomes: { cancelled: 3 } }, '3 of 10: 3 cancelled'],
  [{ state: 'running', done: 0, of: null }, '0 so far'],
  [{ state: 'done', done: 4, outcomes: { cancelled: 3, 'too-late': 1 } }, 'Done: 3 cancelled, 1 too late'],
  [{ state: 'stopped', done: 1, outcomes: { redriven: 1 } }, 'Stopped after 1 message: 1 redriven'],
  [
    { state: 'failed', done: 0, failure: { code: 'STORE_ERROR', message: 'Redis is away' } },
    'Failed after 0 messages. Redis is away',
  ],
])('a job is told in a line: %j', (job, text) => {
  const own = { id: 'j', what: 'Cancel', needs: 'cancel', startedAt: '' } as const
  const whole: Job = { ...own, state: 'done', done: 0, of: 1, outcomes: {}, ...job }
  expect(jobText(whole)).toBe(text)
})
