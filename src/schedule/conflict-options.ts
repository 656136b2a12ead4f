import type { OnConflict } from '../strategies/strategy.js'

export interface ConflictOptions {
  /**
   * What to do if a message with this id waits already: `ignore` keeps that one and returns its receipt; `replace`
   * removes it; `error` throws `CONFLICT`. A message on its way to its consumer does not count.
   * @default both wait
   */
  onConflict?: OnConflict | undefined
}
