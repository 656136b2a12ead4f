import { tell } from '../../scripts/checker/tell.js'
import type { Verdict } from '../../scripts/checker/verdict.js'
import { spreadOf } from '../numbers.js'
import type { Books } from './books.js'
import type { Faults } from './faults.js'

export interface Run {
  verdict: Verdict
  books: Books
  faults: Faults
  accidents: readonly string[]
  /** The number of occurrences of recurring messages. */
  occurrences: number
  /** The number of messages that cannot be taken out. */
  withheld: number
}

export function isClean({ verdict, accidents, withheld }: Run): boolean {
  return verdict.findings.length === 0 && accidents.length === 0 && withheld === 0
}

/** The results of the run, and its findings. The whole of them is in findings.json. */
export function reportOf({ verdict, books, faults, accidents, occurrences, withheld }: Run): string {
  const { done, restartSeconds } = faults
  const { counts } = books
  const late = spreadOf(verdict.lateness)
  const seconds = restartSeconds.map((one) => one.toFixed(1)).join(', ')
  return [
    `faults: ${[...done].map(([does, count]) => `${does} ${count}`).join(', ') || 'none'}`,
    ...(seconds ? [`killed nodes took clients again after ${seconds} s`] : []),
    `${counts.disconnected} connections lost, ${counts.failed} errors told by dueque; ${counts.unknown} outcomes unknown`,
    `in these: ${counts.cancels} cancellations, ${counts.reschedules} reschedules, ${occurrences} occurrences of recurring messages`,
    ...tell(verdict),
    `late: p50 ${late.p50} ms, p99 ${late.p99}, last ${late.max}`,
    ...accidents,
    ...(withheld > 0 ? [`held by dead-letter workers: ${withheld}`] : []),
  ].join('\n')
}
