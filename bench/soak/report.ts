import { tell } from '../../scripts/checker/tell.js'
import type { Verdict } from '../../scripts/checker/verdict.js'
import { spreadOf } from '../numbers.js'
import type { Books } from './books.js'
import { courseOf, type Course } from './course.js'
import type { Faults } from './faults.js'
import type { Kind } from './queues.js'

export interface Run {
  verdict: Verdict
  books: Books
  faults: Faults
  accidents: readonly string[]
  /** The number of occurrences of recurring messages. */
  occurrences: number
  /** The number of messages that cannot be taken out. */
  withheld: number
  /** The number of commands of the operator, by name and end. */
  commands: ReadonlyMap<string, number>
  kinds: readonly Kind[]
  seed: number
}

export function isClean({ verdict, accidents, withheld }: Run): boolean {
  return verdict.findings.length === 0 && accidents.length === 0 && withheld === 0
}

/** The results of the run, and its findings. The whole of them is in findings.json. */
export function reportOf(run: Run): string {
  const { verdict, books, faults, accidents, occurrences, withheld, commands } = run
  const { done, restartSeconds, behindSeconds } = faults
  const { counts } = books
  const late = spreadOf(verdict.lateness)
  const textOf = (seconds: readonly number[]) => seconds.map((one) => one.toFixed(1)).join(', ')
  return [
    `faults: ${countsText(done) || 'none'}`,
    ...(restartSeconds.length > 0 ? [`killed nodes took clients again after ${textOf(restartSeconds)} s`] : []),
    ...(behindSeconds.length > 0
      ? [`after partitions and frozen nodes, nodes lacked cancellations for ${textOf(behindSeconds)} s`]
      : []),
    `${counts.disconnected} connections lost, ${counts.failed} errors told by dueque; ${counts.unknown} outcomes unknown`,
    `in these: ${counts.cancels} cancellations, ${counts.reschedules} reschedules, ${occurrences} occurrences of recurring messages`,
    `and: ${featuresOf(run)}`,
    `commands of an operator: ${countsText(commands)}`,
    ...tell(verdict),
    `late: p50 ${late.p50} ms, p99 ${late.p99}, last ${late.max}`,
    ...accidents,
    ...(withheld > 0 ? [`held by dead-letter workers: ${withheld}`] : []),
  ].join('\n')
}

function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
}

/** The numbers of messages with what is special about them. */
function featuresOf({ books, kinds, seed }: Run): string {
  const features: Record<string, (course: Course) => boolean | undefined> = {
    'scheduled for a batch': ({ isBatched }) => isBatched,
    'with a dedupe store': ({ isDeduped }) => isDeduped,
    'through a gate': ({ isGated }) => isGated,
    'to redrive': ({ isOperated, steps }) => isOperated && steps.length > 1,
  }
  const counts = new Map(Object.keys(features).map((name) => [name, 0]))
  for (const key of books.history.messages.keys()) {
    if (!/^\d+$/.test(key)) continue
    const course = courseOf(seed, Number(key), kinds)
    for (const [name, has] of Object.entries(features)) if (has(course)) counts.set(name, counts.get(name)! + 1)
  }
  return countsText(counts)
}
