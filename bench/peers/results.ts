import type { Environment } from '../report.js'
import type { Entrant, ServerName } from './contestant.js'
import type { Sizes } from './sizes.js'
import type { Measured } from './works/work.js'

/** Everything that a run found, as it is kept in a file. */
export interface Results {
  readonly environment: Environment
  readonly sizes: Sizes
  /** Versions and settings. */
  readonly servers: Partial<Record<ServerName, string>>
  /** Those that took part, in the order of the tables. */
  readonly contestants: Record<string, { about: string; settings: Entrant['settings'] }>
  readonly cells: CellResult[]
}

export interface CellResult {
  readonly work: string
  readonly contestant: string
  /** From 1. */
  readonly round: number
  readonly outcome: { measured: Measured } | { leftOut: string } | { failed: string }
}
