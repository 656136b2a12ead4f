import { describe, expect, test } from 'vitest'
import { merged } from '../../../bench/peers/report/merged.js'
import { summaryOf } from '../../../bench/peers/report/summary.js'
import { settingsOf } from '../../../bench/peers/report/tables.js'
import type { CellResult, Results } from '../../../bench/peers/results.js'
import { LONG, SHORT } from '../../../bench/peers/sizes.js'
import { inTurns } from '../../../bench/peers/turns.js'

const machine = { command: 'npm run bench:peers', node: 'v20', cpus: 2, cpuModel: 'A', load: 0 }

function resultsOf(date: string, cells: CellResult[], more: Partial<Results> = {}): Results {
  const contestants = Object.fromEntries(
    cells.map(({ contestant }) => [contestant, { about: '', settings: {}, servers: [] }]),
  )
  return { environment: { ...machine, date }, sizes: LONG, contestants, cells, ...more }
}

function cell(contestant: string, round: number, rate: number, work = 'rate'): CellResult {
  return { work, contestant, round, outcome: { measured: { '': { rate } } } }
}

describe('a summary', () => {
  test('gives the median, the least and the most of the rounds, without rounds that failed', () => {
    const failed: CellResult = { work: 'rate', contestant: 'b', round: 2, outcome: { failed: 'Error: gone\n  at x' } }
    const cells = [cell('a', 1, 10), cell('b', 1, 7), cell('a', 2, 30), failed, cell('a', 3, 20)]
    const { variants, absent, rounds } = summaryOf(resultsOf('1', cells), 'rate')
    expect(variants.get('')).toEqual([
      { contestant: 'a', figures: { rate: { median: 20, least: 10, most: 30 } } },
      { contestant: 'b', figures: { rate: { median: 7, least: 7, most: 7 } } },
    ])
    expect(absent).toEqual([{ contestant: 'b', reason: 'it failed: Error: gone' }])
    expect(rounds).toBe(3)
  })

  test('names those who are left out, and knows no other work', () => {
    const left: CellResult = { work: 'burst', contestant: 'a', round: 1, outcome: { leftOut: 'no plugin' } }
    const { variants, absent } = summaryOf(resultsOf('1', [left, cell('b', 1, 5)]), 'burst')
    expect([...variants]).toEqual([])
    expect(absent).toEqual([{ contestant: 'a', reason: 'no plugin' }])
  })
})

describe('results of several runs', () => {
  test('a later run replaces the same work of the same contestant, and nothing else', () => {
    const first = resultsOf('1', [cell('a', 1, 1), cell('a', 2, 2), cell('b', 1, 3), cell('a', 1, 4, 'burst')])
    const { cells, contestants } = merged([first, resultsOf('2', [cell('a', 1, 9), cell('c', 1, 8)])])
    expect(cells).toEqual([cell('b', 1, 3), cell('a', 1, 4, 'burst'), cell('a', 1, 9), cell('c', 1, 8)])
    expect(Object.keys(contestants)).toEqual(['a', 'b', 'c'])
  })

  test('short runs and runs of other machines are refused', () => {
    const run = resultsOf('1', [cell('a', 1, 1)])
    expect(() => merged([run, { ...run, sizes: SHORT }])).toThrow('a short one')
    expect(() => merged([run, { ...run, environment: { ...machine, date: '2', cpuModel: 'B' } }])).toThrow('machine')
  })
})

test('settings name each server once, and which contestant runs on which', () => {
  const on = (...servers: string[]) => ({ about: 'x', settings: { prefetch: 1 }, servers })
  const contestants = { a: on('RabbitMQ 4'), b: on('RabbitMQ 4', 'Redis 7'), c: on('RabbitMQ 3') }
  const text = settingsOf({ environment: { ...machine, date: '2026-11-30T00:00:00Z' }, contestants })
  expect(text).toContain('1. RabbitMQ 4\n2. Redis 7\n3. RabbitMQ 3')
  expect(text).toContain('| `b` | x | 1, 2 | prefetch 1 |')
  expect(text).toContain('| `c` | x | 3 | prefetch 1 |')
})

test('each round begins with another contestant and has all of them', () => {
  expect([0, 1, 2, 3].map((turn) => inTurns(['a', 'b', 'c'], turn).join(''))).toEqual(['abc', 'bca', 'cab', 'abc'])
  expect(inTurns([], 1)).toEqual([])
})
