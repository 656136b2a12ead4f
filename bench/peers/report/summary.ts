import { median } from '../../numbers.js'
import type { CellResult, Results } from '../results.js'

/** Of the rounds. */
export interface Figure {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** A contestant at one variant of a work. */
export interface SummaryRow {
  readonly contestant: string
  readonly figures: Readonly<Record<string, Figure>>
}

export interface Summary {
  /** Rows by variant, both in the order of the run. */
  readonly variants: ReadonlyMap<string, readonly SummaryRow[]>
  /** Those without a result, with the reason. */
  readonly absent: readonly { contestant: string; reason: string }[]
  readonly rounds: number
}

/** What a work found, over all rounds. */
export function summaryOf({ cells, contestants }: Pick<Results, 'cells' | 'contestants'>, work: string): Summary {
  const own = cells.filter((cell) => cell.work === work)
  const order = [...new Set([...Object.keys(contestants), ...own.map(({ contestant }) => contestant)])]
  const variants = new Map<string, SummaryRow[]>()
  const absent: { contestant: string; reason: string }[] = []
  for (const contestant of order) {
    const rounds = own.filter((cell) => cell.contestant === contestant).map(({ outcome }) => outcome)
    const measured = rounds.flatMap((outcome) => ('measured' in outcome ? [outcome.measured] : []))
    const failure = rounds.map(reasonOf).find((reason) => reason !== undefined)
    if (failure !== undefined) absent.push({ contestant, reason: failure })
    for (const variant of new Set(measured.flatMap(Object.keys))) {
      const figures = figuresOf(measured.flatMap((one) => (one[variant] ? [one[variant]] : [])))
      variants.set(variant, [...(variants.get(variant) ?? []), { contestant, figures }])
    }
  }
  return { variants, absent, rounds: Math.max(0, ...own.map(({ round }) => round)) }
}

function figuresOf(rounds: readonly Record<string, number>[]): Record<string, Figure> {
  const names = new Set(rounds.flatMap(Object.keys))
  return Object.fromEntries(
    [...names].map((name) => {
      const values = rounds.flatMap((round) => round[name] ?? []).filter((value) => !Number.isNaN(value))
      const figure = { median: median(values), least: Math.min(...values), most: Math.max(...values) }
      return [name, values.length === 0 ? { median: NaN, least: NaN, most: NaN } : figure]
    }),
  )
}

function reasonOf(outcome: CellResult['outcome']): string | undefined {
  if ('measured' in outcome) return undefined
  return 'failed' in outcome ? `it failed: ${outcome.failed.split('\n')[0]}` : outcome.leftOut
}
