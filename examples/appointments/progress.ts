import { clinicTime, realTime, wallClock, type ClinicClock } from './clinic-clock.js'
import type { LedgerEntry } from './ledger.js'
import { isTerminal, paint } from './paint.js'
import type { Reminder } from './reminder.js'

const BAR = 30

/** Shows the progress of the day: some reminders as permanent lines, and below them, on a terminal, the time. */
export class Progress {
  readonly #reminders: ReadonlyMap<string, Reminder>
  readonly #clock: ClinicClock
  readonly #zone: string
  readonly #samples: number
  #seen = 0

  constructor(reminders: readonly Reminder[], clock: ClinicClock, { samples }: { samples: number }) {
    this.#reminders = new Map(reminders.map((reminder) => [reminder.id, reminder]))
    this.#clock = clock
    this.#zone = reminders[0]!.payload.start
    this.#samples = samples
    if (samples > 0)
      console.log(
        `\n${paint('dim', '  due on this clock  reminder                          late by    worker  so far')}`,
      )
  }

  show(ledger: readonly LedgerEntry[]): void {
    const every = Math.ceil(this.#reminders.size / this.#samples)
    for (; this.#seen < ledger.length; this.#seen++) {
      if (this.#samples > 0 && this.#seen % every === 0) this.#line(this.#sample(ledger[this.#seen]!, this.#seen + 1))
    }
    const time = wallClock(clinicTime(this.#clock, Date.now()), this.#zone)
    const done = Math.min(BAR, Math.floor((ledger.length / this.#reminders.size) * BAR))
    const bar = paint('cyan', '━'.repeat(done)) + paint('dim', '━'.repeat(BAR - done))
    this.#status(`  ${time}  ${bar}  ${ledger.length} of ${this.#reminders.size} reminders delivered`)
  }

  end(): void {
    this.#status('')
  }

  #sample({ id, arrivedAt, worker }: LedgerEntry, count: number): string {
    const { payload, dueAt } = this.#reminders.get(id)!
    const { patient, room, start, notice } = payload
    const cells = [
      `${wallClock(dueAt, start)} (${notice})`.padEnd(17),
      `${patient}, room ${room}`.slice(0, 31).padEnd(31),
      `${arrivedAt - realTime(this.#clock, dueAt)} ms`.padStart(8),
      String(worker).padStart(8),
      String(count).padStart(6),
    ]
    return `  ${cells.join('  ')}`
  }

  #line(text: string): void {
    this.#status('')
    console.log(text)
  }

  #status(text: string): void {
    if (isTerminal) process.stdout.write(`\r\x1b[K${text}`)
  }
}
