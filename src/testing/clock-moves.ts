import { DuequeError } from '../base/errors.js'
import type { ManualClock } from '../strategies/memory/manual-clock.js'
import type { Activity } from './activity.js'
import { settled } from './settled.js'

export interface TestClockSettings {
  clock: ManualClock
  activity: Activity
  patienceMs: number
  setSystemTime: (now: number) => void
}

/** Moves a clock, one move after the other, and waits at each instant until everything that it starts is over. */
export class ClockMoves {
  readonly #settings: TestClockSettings
  #last: Promise<void> = Promise.resolve()

  constructor(settings: TestClockSettings) {
    this.#settings = settings
  }

  /**
   * From one instant at which something is due to the next.
   *
   * @param end asked when its turn has come
   */
  moveTo(end: () => number): Promise<void> {
    return this.#inTurn(() => this.#moveTo(end()))
  }

  /** Sets the wall clock alone. */
  set(time: number): Promise<void> {
    const { clock, setSystemTime } = this.#settings
    return this.#inTurn(async () => {
      await this.#settled()
      setSystemTime(time)
      clock.set({ epochMilliseconds: time })
      await this.#settled()
    })
  }

  async #inTurn(move: () => Promise<void>): Promise<void> {
    const { caller } = this.#settings.activity
    if (caller) throw movedByHandler(caller.queue)
    const moved = this.#last.then(move)
    this.#last = moved.catch(() => undefined)
    return moved
  }

  async #moveTo(end: number): Promise<void> {
    const { clock } = this.#settings
    await this.#settled()
    for (let time = clock.next(); time <= end; time = clock.next()) {
      this.#step(Math.max(Math.ceil(time), clock.now()))
      await this.#settled()
    }
    if (end > clock.now()) this.#step(end)
  }

  #step(time: number): void {
    const { clock, setSystemTime } = this.#settings
    setSystemTime(time)
    clock.advance(time - clock.now())
  }

  #settled(): Promise<void> {
    const { activity, patienceMs } = this.#settings
    return settled(activity, patienceMs)
  }
}

function movedByHandler(queue: string): DuequeError<'CLOCK_STUCK'> {
  const message = `the clock cannot be moved by a handler (queue ${queue}): the move would wait for the handler to end`
  return new DuequeError('CLOCK_STUCK', message, { handlers: [] })
}
