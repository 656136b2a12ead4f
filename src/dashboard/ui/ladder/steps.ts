import type { LadderView } from '../../api.js'

export type Rung = LadderView['rungs'][number]

/** A step of the staircase: the rungs of one unit. */
export interface Step {
  /** `ms`, `s`, `m`, `h`, `d`, or `c` for hundreds of days. */
  unit: string
  title: string
  messages: number
  /** Those that have messages, the shortest first. */
  rungs: readonly Rung[]
}

const UNITS = [
  { unit: 'ms', title: '10 to 990 ms', fromMs: 0 },
  { unit: 's', title: '1 to 59 s', fromMs: 1000 },
  { unit: 'm', title: '1 to 59 min', fromMs: 60_000 },
  { unit: 'h', title: '1 to 23 h', fromMs: 3_600_000 },
  { unit: 'd', title: '1 to 99 d', fromMs: 86_400_000 },
  { unit: 'c', title: '100 d and more', fromMs: 8_640_000_000 },
] as const

/** The smallest unit first: the order in which a message waits. */
export function stepsOf(rungs: readonly Rung[]): Step[] {
  return UNITS.map(({ unit, title, fromMs }, i) => {
    const endMs = UNITS[i + 1]?.fromMs ?? Infinity
    const mine = rungs.filter(({ ttlMs }) => ttlMs >= fromMs && ttlMs < endMs)
    const messages = mine.reduce((sum, rung) => sum + rung.messages, 0)
    return { unit, title, messages, rungs: mine.filter((rung) => rung.messages > 0 || rung.backedUp) }
  })
}
