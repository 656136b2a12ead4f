import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toJson } from '../../../../src/message/stored-message.js'
import { filterMarks, isWholePrefix, storedPrefix } from '../../../../src/strategies/store/marks.js'

const text = fc.string({ unit: 'binary' })
/** Whole texts, and both halves of pairs. */
const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes))
const names = fc.oneof(text, fc.constantFrom('dueque:x', 'dueque:=x'))

test('the stored JSON of a message has the marks of its headers', () => {
  const headers = fc.dictionary(names, fc.jsonValue(), { noNullPrototype: true })
  fc.assert(
    fc.property(headers, (all) => {
      const json = toJson({ id: 'x', headers: all }, false)
      for (const mark of filterMarks({ headers: all as Record<string, string> })) expect(json).toContain(mark)
    }),
  )
})

test.each([
  ['a text', { a: 'x' }, ['"a":"x"']],
  ['quotes', { '"': '\\' }, ['"\\"":"\\\\"']],
  ['an object by its name alone', { a: { b: 1 } }, ['"a":']],
  ['several', { a: null, b: 5, c: [1] }, ['"a":null', '"b":5', '"c":']],
  ['none', {}, []],
])('the marks of %s', (_, headers, marks) => {
  expect(filterMarks({ headers })).toEqual(marks)
})

test('an id begins with a prefix if its stored form begins with the stored prefix', () => {
  const stored = (id: string) => JSON.stringify(id).slice(1, -1)
  fc.assert(
    fc.property(units, units, fc.boolean(), (prefix, rest, isOther) => {
      const id = isOther ? rest : prefix + rest
      const begins = stored(id).startsWith(storedPrefix(prefix))
      if (isWholePrefix(prefix)) expect(begins).toBe(id.startsWith(prefix))
      else if (id.startsWith(prefix)) expect(begins).toBe(true)
    }),
  )
})

test('the stored JSON of a message has the mark of each part of its id', () => {
  fc.assert(
    fc.property(units, units, units, (before, idPart, behind) => {
      const [mark] = filterMarks({ idPart })
      expect(toJson({ id: before + idPart + behind }, false)).toContain(mark)
    }),
  )
})

test.each(['\ud83d', 'a\ud83d'])('half a pair at the end of %j is judged later', (prefix) => {
  expect(isWholePrefix(prefix)).toBe(false)
  expect(storedPrefix(prefix)).toBe(prefix.slice(0, -1))
})
