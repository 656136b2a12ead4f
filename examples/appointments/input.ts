import { join } from 'node:path'
import { readAppointments, readMoves, type Appointment, type SkippedRow } from './csv.js'
import { moved, remindersFor, type Reminder } from './reminder.js'

/** The clinic's day as its files have it. */
export interface Input {
  readonly appointments: readonly Appointment[]
  readonly skipped: readonly SkippedRow[]
  readonly moves: ReadonlyMap<string, string>
  /** Before the moves. */
  readonly scheduled: readonly Reminder[]
  /** After the moves: the reminders that have to arrive. */
  readonly expected: readonly Reminder[]
}

export async function readInput(): Promise<Input> {
  const { appointments, skipped } = await readAppointments(join(import.meta.dirname, 'appointments.csv'))
  const moves = await readMoves(join(import.meta.dirname, 'moves.csv'))
  const [scheduled, expected] = [remindersFor(appointments), remindersFor(moved(appointments, moves))]
  return { appointments, skipped, moves, scheduled, expected }
}
