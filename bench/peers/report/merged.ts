import type { Results } from '../results.js'

/** Results of several runs as one. What a later one measured replaces the same work of the same contestant. */
export function merged(all: readonly Results[]): Results {
  const [first, ...rest] = all
  if (!first) throw new Error('no results')
  const short = all.find(({ sizes }) => sizes.form === 'short')
  if (short) throw new Error(`the run of ${short.environment.date} is a short one, whose figures are no measurements`)
  return rest.reduce((before, run) => {
    const isSame =
      before.environment.cpuModel === run.environment.cpuModel && before.environment.cpus === run.environment.cpus
    if (!isSame) throw new Error(`the run of ${run.environment.date} was on another machine than the one before`)
    const isAgain = (work: string, contestant: string) =>
      run.cells.some((cell) => cell.work === work && cell.contestant === contestant)
    return {
      ...run,
      contestants: { ...before.contestants, ...run.contestants },
      cells: [...before.cells.filter(({ work, contestant }) => !isAgain(work, contestant)), ...run.cells],
    }
  }, first)
}
