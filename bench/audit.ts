import { isDuequeError } from 'dueque'
import { check } from '../scripts/checker/check.js'
import { History, type Outcome } from '../scripts/checker/history.js'
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
  const failed = new Map(failures.map(({ n, error }) => [n, outcomeOf(error)]))
  const handled = new Set(final.numbers)
  const history = new History()
  for (let n = 0; n < count; n++) {
    history.tried(String(n), { process: 'producer', at: 0, due: 0 })
    history.settled(String(n), failed.get(n) ?? 'confirmed')
  }
  for (const n of final.numbers) history.handled(String(n), { process: 'consumer', at: 0 })
  const { acknowledged, lost: missing, findings } = check(history)
  const inQueues = (which: (name: string) => boolean) => sum(left.filter(({ name }) => which(name)))
  const parked = inQueues((name) => name.endsWith('.parked'))
  const dead = inQueues((name) => name === `${queue}.dead`)
  const waiting = sum(left) - parked - dead
  const outcomes = (['unknown', 'refused'] as const).map((outcome) => {
    const numbers = [...failed].flatMap(([n, one]) => (one === outcome ? [n] : []))
    return { outcome, failed: numbers.length, arrived: numbers.filter((n) => handled.has(n)).length }
  })
  return {
    row: {
      scheduled: acknowledged,
      handled: acknowledged - missing,
      waiting,
      parked,
      dead,
      lost: Math.max(0, missing - waiting - parked - dead),
      early: final.early,
      'copies suppressed': final.stats?.suppressed ?? 0,
      'copies handled': final.copies - final.unique,
    },
    notes: outcomes
      .filter((one) => one.failed > 0)
      .map((one) => `failed with outcome ${one.outcome}: ${one.failed}, of which arrived all the same ${one.arrived}`),
    details: {
      findings: findings.slice(0, 100),
      left,
      outcomes,
      firstFailures: failures.slice(0, 10).map(({ n, error }) => `${n}: ${String(error)}`),
    },
  }
}

function outcomeOf(error: Error): Outcome {
  return (isDuequeError(error) && error.outcome) || 'unknown'
}
