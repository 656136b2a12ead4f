import { spreadOf } from '../numbers.js'
import { grouped, type Audit, type Finding } from './audit.js'
import type { Books } from './books.js'
import type { Faults } from './faults.js'
import { sum, type Count } from '../counts.js'

export interface Run {
  audited: Audit
  books: Books
  faults: Faults
  accidents: readonly string[]
  /** Messages that are still in the queues at the end, but not dead or parked. */
  left: readonly Count[]
  /** The number of messages that cannot be taken out. */
  withheld: number
}

/** Shown findings of each kind. The others are in findings.json. */
const SHOWN = 10

export function isClean({ audited, accidents, left, withheld }: Run): boolean {
  return audited.findings.length === 0 && accidents.length === 0 && left.length === 0 && withheld === 0
}

/** The results of the run, and its findings. */
export function reportOf(run: Run): string {
  const { audited, books, faults, accidents, left, withheld } = run
  const { outcomes, ends, copies, findings } = audited
  const { done, restartSeconds } = faults
  const count = (fault: Finding['fault']) => findings.filter((finding) => finding.fault === fault).length
  const late = spreadOf(audited.lateness)
  const copied = [...copies].toSorted(([, a], [, b]) => b - a)
  const copyCount = copied.reduce((total, [, many]) => total + many, 0)
  return [
    `faults: ${done.get('kill-node') ?? 0} kills of nodes (there again after ` +
      `${restartSeconds.map((seconds) => seconds.toFixed(1)).join(', ') || '–'} s), ${done.get('kill') ?? 0} kills and ` +
      `${done.get('terminate') ?? 0} SIGTERMs of processes, ${done.get('cut') ?? 0} times connections closed; ` +
      `${books.counts.disconnected} connections lost, ${books.counts.failed} errors told by dueque`,
    `scheduled: ${books.accounts.size}; confirmed ${outcomes.confirmed}, refused ${outcomes.refused}, without an answer ` +
      `${outcomes.unknown + outcomes.tried} (of which arrived ${audited.arrivedUnconfirmed}); ` +
      `repeated because the outcome was unknown: ${books.counts.unknown}`,
    `confirmed ones: handled ${ends.handled}, dead as planned or expired ${ends.dead}, parked ${ends.parked}, ` +
      `still waiting ${ends['still waiting']}, lost ${ends.lost}`,
    `calls of handlers: ${audited.calls}; late: p50 ${late.p50} ms, p99 ${late.p99}, last ${late.max}`,
    `early: ${count('early')}`,
    `copies: ${copyCount} explained, ${count('unexplained copy')} unexplained`,
    ...copied.map(([cause, many]) => `  ${many} after: ${cause}`),
    ...accidents,
    ...left.map(({ name, messages }) => `left in ${name}: ${messages}`),
    ...(withheld > 0 ? [`held by dead-letter workers: ${withheld} of ${sum(left)}`] : []),
    ...[...grouped(findings, ({ fault }) => fault)].flatMap(([fault, all]) => [
      `FAILED ${fault}: ${all.length}`,
      ...all.slice(0, SHOWN).map(({ n, text }) => `  message ${n}: ${text}`),
    ]),
  ].join('\n')
}
