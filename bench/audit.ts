import { isDuequeError } from 'dueque'
import { sum, type Count } from './counts.js'
import type { Paced } from './pace.js'
import type { Final } from './telling.js'
import type { Result, Row } from './report.js'

export interface Books {
  /** Numbered from 0. */
  count: number
  failures: Paced['failures']
  final: Final
  /** What is in the queues at the end. */
  left: readonly Count[]
  /** Of the consumer. */
  queue: string
}

/** Checks that no confirmed message is lost, and counts the outcomes of failed schedules. */
export function audit({ count, failures, final, left, queue }: Books): Required<Pick<Result, 'notes'>> & {
  row: Row
  details: object
} {
  const failed = new Map(failures.map(({ n, error }) => [n, isDuequeError(error) ? (error.outcome ?? 'none') : 'none']))
  const handled = new Set(final.numbers)
  const confirmed = Array.from({ length: count }, (_, n) => n).filter((n) => !failed.has(n))
  const missing = confirmed.filter((n) => !handled.has(n))
  const inQueues = (which: (name: string) => boolean) => sum(left.filter(({ name }) => which(name)))
  const parked = inQueues((name) => name.endsWith('.parked'))
  const dead = inQueues((name) => name === `${queue}.dead`)
  const waiting = sum(left) - parked - dead
  const outcomes = ['unknown', 'refused', 'none'].map((outcome) => {
    const numbers = [...failed].flatMap(([n, one]) => (one === outcome ? [n] : []))
    return { outcome, failed: numbers.length, arrived: numbers.filter((n) => handled.has(n)).length }
  })
  return {
    row: {
      scheduled: confirmed.length,
      handled: confirmed.length - missing.length,
      waiting,
      parked,
      dead,
      lost: Math.max(0, missing.length - waiting - parked - dead),
      early: final.early,
      'copies suppressed': final.stats?.suppressed ?? 0,
      'copies handled': final.copies - final.unique,
    },
    notes: outcomes
      .filter((one) => one.failed > 0)
      .map((one) => `failed with outcome ${one.outcome}: ${one.failed}, of which arrived all the same ${one.arrived}`),
    details: {
      missing: missing.slice(0, 100),
      left,
      outcomes,
      firstFailures: failures.slice(0, 10).map(({ n, error }) => `${n}: ${String(error)}`),
    },
  }
}
