import { expect, test } from 'vitest'
import { paint } from '../../../../src/cli/watch/screen.js'

const size = { columns: 10, rows: 4, color: false }

test('lines are drawn from the top, each overwritten to its end, and the rest below is cleared', () => {
  expect(paint([{ text: 'one' }, { text: 'two', style: 'bold' }], size)).toBe('\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J')
})

test('a narrow terminal cuts lines, and a low one counts those that it lacks', () => {
  const lines = ['0123456789', '0123456789a', '😀😀😀😀😀😀😀😀😀😀😀', '4', '5'].map((text) => ({ text }))
  expect(paint(lines, size).split('\r\n')).toEqual([
    '\x1b[H0123456789\x1b[K',
    '012345678…\x1b[K',
    '😀😀😀😀😀😀😀😀😀…\x1b[K',
    '… 2 more …\x1b[K\x1b[J',
  ])
  expect(paint(lines.slice(0, 4), size)).not.toContain('more')
})

test('colours are there only if they are wanted', () => {
  const lines = [
    { text: 'no answer', style: 'red' as const },
    { text: '', style: 'dim' as const },
  ]
  expect(paint(lines, { ...size, color: true })).toBe('\x1b[H\x1b[31mno answer\x1b[39m\x1b[K\r\n\x1b[K\x1b[J')
  expect(paint(lines, size)).toBe('\x1b[Hno answer\x1b[K\r\n\x1b[K\x1b[J')
})

test('a foreign text steers nothing', () => {
  expect(paint([{ text: 'a\x1b[2J\n' }], { ...size, columns: 80 })).toBe('\x1b[Ha\\x1b[2J\\x0a\x1b[K\x1b[J')
})
