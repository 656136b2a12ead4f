import { expect, it } from 'vitest'
import { pages, proseOf } from '../../support/pages.js'

/** Of the text and the tables of a page, without its code blocks. */
const MOST_WORDS = 1800

it('keeps every page short: a longer one is two pages', () => {
  const read = pages().filter(({ path }) => path.startsWith('docs/') && !/decisions|reference\/errors/.test(path))
  const long = read.map(({ path, text }) => ({ path, words: wordsIn(proseOf(text)) }))
  expect(long.filter(({ words }) => words > MOST_WORDS)).toEqual([])
})

function wordsIn(lines: readonly string[]): number {
  return lines.join(' ').match(/[^\s|-][^\s|]*/g)?.length ?? 0
}
