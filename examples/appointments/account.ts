import { realTime, type ClinicClock } from './clinic-clock.js'
import type { LedgerEntry } from './ledger.js'
import type { Reminder } from './reminder.js'

/** Expected reminders, compared with arrived ones. */
export interface Account {
  scheduled: number
  /** Different reminders that arrived. */
  delivered: number
  lost: number
  /** Arrivals before the due instant. */
  early: number
  /** Second arrivals of a reminder. */
  duplicates: number
  /** Of first arrivals, in milliseconds of real time, sorted. */
  lateness: number[]
}

/**
 * Takes the due instants from the appointments and the arrivals from the ledger, not the lateness that the library
 * reports.
 */
export function account(reminders: readonly Reminder[], ledger: readonly LedgerEntry[], clock: ClinicClock): Account {
  const due = new Map(reminders.map(({ id, dueAt }) => [id, realTime(clock, dueAt)]))
  const first = new Map<string, number>()
  let early = 0
  for (const { id, arrivedAt } of ledger) {
    const dueAt = due.get(id)
    if (dueAt === undefined) throw new Error(`a reminder that nobody scheduled: ${id}`)
    if (arrivedAt < dueAt) early++
    if (!first.has(id)) first.set(id, arrivedAt - dueAt)
  }
  return {
    scheduled: reminders.length,
    delivered: first.size,
    lost: reminders.length - first.size,
    early,
    duplicates: ledger.length - first.size,
    lateness: [...first.values()].sort((a, b) => a - b),
  }
}

/** The value that `share` of the sorted numbers do not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
}
