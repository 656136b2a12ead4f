/** The same order, from another one on. */
export function inTurns<T>(all: readonly T[], turn: number): T[] {
  const first = turn % Math.max(1, all.length)
  return [...all.slice(first), ...all.slice(0, first)]
}
