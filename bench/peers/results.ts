import type { Environment } from '../report.js'
import type { Entrant } from './contestant.js'
import type { Sizes } from './sizes.js'
import type { Measured } from './works/work.js'

/** Everything that a run found, as it is kept in a file. */
export interface Results {
  readonly environment: Environment
  readonly sizes: Sizes
  /** Those that took part, in the order of the tables, with versions and settings of their own and of their servers. */
  readonly contestants: Record<string, { about: string; settings: Entrant['settings']; servers: readonly string[] }>
  readonly cells: CellResult[]
}

export interface CellResult {
  readonly work: string
  readonly contestant: string
  /** From 1. */
  readonly round: number
  readonly outcome: { measured: Measured } | { leftOut: string } | { failed: string }
}
