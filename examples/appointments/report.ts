import { percentile, type Account } from './account.js'
import { isTerminal, paint } from './paint.js'

/** The table and the histogram at the end, for 80 columns. */
export function report(account: Account): string {
  return `${table(account)}\n\n${histogram(account.lateness)}\n\n  ${verdict(account)}`
}

function table({ scheduled, delivered, lost, early, duplicates, lateness }: Account): string {
  const ms = (share: number) => (lateness.length === 0 ? '-' : `${percentile(lateness, share)} ms`)
  const columns = { scheduled, delivered, lost, early, duplicates, 'late: p50': ms(0.5), p99: ms(0.99), max: ms(1) }
  const cells = Object.entries(columns).map(([name, value]) => [name, String(value)] as const)
  const width = ([name, value]: readonly [string, string]) => Math.max(name.length, value.length)
  const line = (row: 0 | 1) => cells.map((cell) => cell[row].padStart(width(cell))).join('  ')
  return `  ${paint('dim', line(0))}\n  ${paint('bold', line(1))}`
}

const BOUNDS = [-Infinity, 0, 5, 10, 15, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000, Infinity]
const LONGEST_BAR = 50

/** A histogram of lateness in real milliseconds, from the first range that is not empty to the last. */
function histogram(lateness: readonly number[]): string {
  const ranges = BOUNDS.slice(1).map((to, i) => {
    const from = BOUNDS[i]!
    return { from, to, count: lateness.filter((ms) => ms >= from && ms < to).length }
  })
  const most = Math.max(...ranges.map(({ count }) => count))
  const first = ranges.findIndex(({ count }) => count > 0)
  const last = ranges.findLastIndex(({ count }) => count > 0)
  return ranges
    .slice(first, last + 1)
    .map(({ from, to, count }) => {
      const bar = (isTerminal ? '█' : '#').repeat(Math.ceil((count / most) * LONGEST_BAR))
      const painted = bar && paint(from < 0 ? 'red' : 'cyan', bar)
      return `  ${label(from, to).padEnd(15)}${String(count).padStart(5)}  ${painted}`.trimEnd()
    })
    .join('\n')
}

function label(from: number, to: number): string {
  if (from === -Infinity) return 'early'
  if (to === Infinity) return `over ${from} ms`
  return `${String(from).padStart(4)} to ${String(to).padStart(4)} ms`
}

function verdict({ lost, early, duplicates }: Account): string {
  if (lost > 0 || early > 0) return paint('red', `FAILED: ${lost} lost, ${early} early.`)
  const twice = duplicates === 0 ? 'none twice' : `${duplicates} once more than needed`
  return paint('green', `Every reminder arrived, none early, ${twice}.`)
}
