import { percentile, type Account } from './account.js'
import { paint } from './paint.js'
import { heldCount } from './settings.js'
import { WAYS, type WayName } from './ways.js'

const HEAD = ['way to wait', 'waits in', 'late p50', 'p99', 'lost', 'early', 'twice', 'after kill -9']

/** The table of all ways, and below it what each cannot do. For 80 columns. */
export function comparison(days: ReadonlyMap<WayName, Account>, kept: ReadonlyMap<WayName, number>): string {
  const rows = [...days].map(([way, account]) => rowOf(way, account, kept.get(way)))
  const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}`
  const cannot = [...days.keys()].map((way) => {
    const [first, ...others] = WAYS[way].cannot
    return [`  ${way.padEnd(13)} ${first}`, ...others.map((other) => `  ${' '.repeat(13)} ${other}`)].join('\n')
  })
  return [
    paint('dim', line(HEAD)),
    ...rows.map(line),
    '',
    `  after kill -9: reminders that arrived of ${heldCount} that waited when their producer`,
    '  and server were killed. Not tried if scripts/demo has not started the server.',
    '',
    `  ${paint('dim', 'What each cannot do')}`,
    ...cannot,
    '',
    '  docs/choosing.md compares them in full.\n',
  ].join('\n')
}

function rowOf(way: WayName, { lateness, lost, early, duplicates }: Account, kept: number | undefined): string[] {
  const [half, most] = [percentile(lateness, 0.5), percentile(lateness, 0.99)]
  const left = kept === undefined ? 'not tried' : `${kept} of ${heldCount}`
  const counts = [lost, early, duplicates].map(String)
  return [way, WAYS[way].server, `${half} ms`, `${most} ms`, ...counts, left]
}
