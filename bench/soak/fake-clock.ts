import { renameSync, writeFileSync } from 'node:fs'

/** The wall clock of one process, by libfaketime. Its monotonic clock stays what it is. */
export class FakeClock {
  /** Of the process. */
  readonly environment: Record<string, string>
  readonly #file: string

  constructor(library: string, path: string) {
    this.#file = `${path}.clock`
    this.set(0)
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** Sets it by so many seconds from the real time. */
  set(seconds: number): void {
    // The whole file at once, so that it is never read half-written.
    writeFileSync(`${this.#file}.new`, seconds < 0 ? String(seconds) : `+${seconds}`)
    renameSync(`${this.#file}.new`, this.#file)
  }
}
