import { number } from './progress.js'
import { plain } from './terminal.js'
import type { Times } from './terminal-times.js'

/** A fact as a table shows it. */
export type Shown = string | number | Date | undefined

/** One fact of an item, by its title. */
export type Column<T> = readonly [title: string, of: (item: T) => Shown]

/** Numbers to the right, texts to the left. */
export function tableOf<T>(items: readonly T[], columns: readonly Column<T>[], times: Times): string {
  const values = items.map((item) => columns.map(([, of]) => of(item)))
  const isNumber = columns.map((_, column) => values.some((row) => typeof row[column] === 'number'))
  const rows = [
    columns.map(([title]) => title.toUpperCase()),
    ...values.map((row) => row.map((value) => cellOf(value, times))),
  ]
  const widths = columns.map((_, column) => rows.reduce((most, cells) => Math.max(most, cells[column]!.length), 0))
  const line = (cells: string[]) =>
    cells.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')
  return rows.map((cells) => line(cells).trimEnd()).join('\n')
}

export function cellOf(value: Shown, times: Times): string {
  if (typeof value === 'number') return number(value)
  return plain(value instanceof Date ? times.when(value) : (value ?? '-'))
}

/** A line for each row: its label, and its value. */
export function rowsText(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length))
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`.trimEnd()).join('\n')
}
