import type { Receiver } from '../../receiving.js'
import type { Contestant, Entrant, WorkName } from '../contestant.js'
import type { OpenSite } from '../servers/stage.js'
import type { Sizes } from '../sizes.js'

/** The same work for each contestant. */
export interface Work {
  readonly name: WorkName
  readonly title: string
  /** What is done, and what the columns mean. */
  readonly about: string
  /** Of a long run, unless it is told otherwise. */
  readonly rounds: number
  /** Left out of a short run, unless it is asked for. */
  readonly longOnly?: boolean
  /** It kills or restarts servers, so that each measurement gets its own. */
  readonly ownServers?: boolean
  run(cell: Cell): Promise<Measured>
}

/** One contestant at one work. */
export interface Cell {
  readonly contestant: Contestant
  readonly entrant: Entrant
  readonly open: OpenSite
  readonly sizes: Sizes
  /** Starts a process that consumes. */
  readonly receive: () => Promise<Receiver>
}

/** Numbers by name. */
export type Measures = Record<string, number>

/** By variant of the work: a rate, a number of waiting messages. '' if it has only one. */
export type Measured = Record<string, Measures>

/** How long nothing more must have arrived, to say that the rest is lost. */
export const PATIENCE_MS = 30_000
