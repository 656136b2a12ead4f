import { parseArgs } from 'node:util'
import type { Contestant } from './contestant.js'
import { CONTESTANTS } from './contestants.js'
import { LONG, SHORT, type Sizes } from './sizes.js'
import { WORKS } from './works.js'
import type { Work } from './works/work.js'

const column = (names: readonly { name: string }[]) => Math.max(...names.map(({ name }) => name.length)) + 2
const lines = <T extends { name: string }>(all: readonly T[], text: (one: T) => string) =>
  all.map((one) => `  ${one.name.padEnd(column(all))}${text(one)}`).join('\n')

export const USAGE = `usage: npm run bench:peers -- [--short] [--only NAME,…] [--rounds N]
       npm run bench:peers -- --publish FILE,…

Measures dueque and other ways to delay messages side by side, on private servers of this machine. A contestant takes its turn
at each work in each round; the servers of the others run idle. Results are kept in bench/results/ after each measurement.

  --short          less of everything, in less than three minutes: to see that it works. Its figures are no measurements
  --only NAME,…    these contestants and works. Without contestants among them: all; without works: all
  --rounds N       of each work (${WORKS.map(({ name, rounds }) => `${name} ${rounds}`).join(', ')}; a short run: 1)
  --publish FILE,… writes docs/benchmarks.md and its plots from the results of long runs on one machine. A later file
                   replaces the measurements of an earlier one, contestant by contestant and work by work

works (* not in a short run, unless named)
${lines(WORKS, ({ title, longOnly }) => title + (longOnly ? ' *' : ''))}

contestants (* not in a short run, unless named)
${lines(CONTESTANTS, ({ about, longOnly }) => about + (longOnly ? ' *' : ''))}`

export interface Plan {
  readonly sizes: Sizes
  readonly contestants: readonly Contestant[]
  readonly works: readonly Work[]
  readonly roundsOf: (work: Pick<Work, 'name' | 'rounds'>) => number
}

export type CommandLine =
  { does: 'help' } | { does: 'publish'; files: readonly string[] } | { does: 'measure'; plan: Plan }

/** @throws Error with a text for the user */
export function parseCommandLine(args: string[]): CommandLine {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({ args, options: { short: flag, help: flag, only: text, rounds: text, publish: text } })
  if (values.help) return { does: 'help' }
  if (values.publish !== undefined) {
    if (Object.keys(values).length > 1) throw new Error('--publish: expected no other option beside it')
    return { does: 'publish', files: namesIn(values.publish) }
  }
  return { does: 'measure', plan: planOf(values) }
}

function planOf(values: { short?: boolean; only?: string; rounds?: string }): Plan {
  const isShort = values.short ?? false
  const only = values.only === undefined ? [] : namesIn(values.only)
  const unknown = only.find((name) => ![...CONTESTANTS, ...WORKS].some((one) => one.name === name))
  if (unknown !== undefined) throw new Error(`--only: there is no contestant or work '${unknown}'`)
  const chosen = <T extends { name: string; longOnly?: boolean }>(all: readonly T[]): readonly T[] => {
    const named = all.filter(({ name }) => only.includes(name))
    return named.length > 0 ? named : all.filter(({ longOnly }) => !(isShort && longOnly))
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds > 0))
    throw new Error(`--rounds: expected a whole number from 1, got '${values.rounds}'`)
  return {
    sizes: isShort ? SHORT : LONG,
    contestants: chosen(CONTESTANTS),
    works: chosen(WORKS),
    roundsOf: (work) => rounds ?? (isShort ? 1 : work.rounds),
  }
}

function namesIn(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
