import { describe, expect, it } from 'vitest'
import { DuequeError } from '../../../../src/index.js'
import { rowsIn, rowsOf } from '../../../../src/strategies/postgres/answer.js'

describe('the rows of an answer', () => {
  const [a, b] = [{ n: '1' }, { n: '2' }]
  it.each<[string, unknown, unknown[]]>([
    ['of pg', { rows: [a, b], rowCount: 2 }, [a, b]],
    ['of postgres.js', Object.assign([a, b], { count: 2 }), [a, b]],
    ['of TypeORM after SELECT', [a, b], [a, b]],
    ['of TypeORM after DELETE', [[a, b], 2], [a, b]],
    ['of TypeORM after DELETE of nothing', [[], 0], []],
    ['in arrays', { rows: [['1'], ['2']] }, [['1'], ['2']]],
    ['of nothing', [], []],
  ])('%s', (_, answer, rows) => {
    expect([...rowsIn(answer)]).toEqual(rows)
    expect(rowsOf(rowsIn(answer))).toEqual(rows.map((row) => Object.values(row as Record<string, string>)))
  })

  it.each([undefined, null, 5, 'text', {}, { rows: undefined }, { records: [] }])('%j has none', (answer) => {
    expect(() => rowsIn(answer)).toThrow(DuequeError)
    expect(() => rowsIn(answer)).toThrow('expected a list of rows')
  })
})
