import { clinicTime, realTime, wallClock, type ClinicClock } from './clinic-clock.js'
import type { LedgerEntry } from './ledger.js'
import type { Reminder } from './reminder.js'

const SAMPLES = 10

/** Shows the progress of the day: some reminders as permanent lines, and below them, on a terminal, the time. */
export class Progress {
  readonly #reminders: ReadonlyMap<string, Reminder>
  readonly #clock: ClinicClock
  readonly #zone: string
  #seen = 0

  constructor(reminders: readonly Reminder[], clock: ClinicClock) {
    this.#reminders = new Map(reminders.map((reminder) => [reminder.id, reminder]))
    this.#clock = clock
    this.#zone = reminders[0]!.payload.start
    console.log('  due on this clock  reminder                          late by    worker  so far')
  }

  show(ledger: readonly LedgerEntry[]): void {
    const every = Math.ceil(this.#reminders.size / SAMPLES)
    for (; this.#seen < ledger.length; this.#seen++) {
      if (this.#seen % every === 0) this.#line(this.#sample(ledger[this.#seen]!, this.#seen + 1))
    }
    const time = wallClock(clinicTime(this.#clock, Date.now()), this.#zone)
    this.#status(`  ${time}   ${ledger.length} of ${this.#reminders.size} reminders delivered`)
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
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`)
  }
}
