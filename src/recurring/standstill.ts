import type { Clock } from '../base/clock.js'
import { isDuequeError } from '../base/errors.js'

export interface StandstillSettings {
  readonly clock: Clock
  /** How long there may be failures alone. */
  readonly patienceMs: number
  /** Called when that is over, and again for each later failure: another ticker is to become the active one. */
  readonly stepBack: (error: unknown) => void
}

/**
 * Tells when a ticker gets nowhere, while another one may: nothing that it schedules succeeds, because it cannot reach its store, or
 * lacks a right. One schedule that fails among others that succeed is no standstill.
 */
export class Standstill {
  readonly #settings: StandstillSettings
  #failingSince: number | undefined
  #succeededAt = -Infinity
  #turn = 0
  #steppedBackAt: number | undefined

  constructor(settings: StandstillSettings) {
    this.#settings = settings
  }

  /** Another number each time that the ticker has stepped back: what it began before is not to go on. */
  get turn(): number {
    return this.#turn
  }

  /** When the ticker stepped back, if nothing has succeeded since: milliseconds since the epoch. */
  get steppedBackAt(): number | undefined {
    return this.#steppedBackAt
  }

  succeeded(): void {
    this.#failingSince = this.#steppedBackAt = undefined
    this.#succeededAt = this.#settings.clock.monotonic()
  }

  /** A missing right does not come back by itself: without a success before it, it is enough. */
  failed(error: unknown): void {
    const { clock, patienceMs, stepBack } = this.#settings
    const now = clock.monotonic()
    this.#failingSince ??= now
    const since = isDenied(error) ? this.#succeededAt : this.#failingSince
    if (now - since >= patienceMs) stepBack(error)
  }

  steppedBack(): void {
    this.#turn++
    this.#failingSince = undefined
    this.#steppedBackAt = this.#settings.clock.now()
  }
}

/** Whether the user lacks a right, at RabbitMQ or in the store. */
export function isDenied(error: unknown): boolean {
  if (isDuequeError(error, 'STORE_ERROR')) return error.data.denied === true
  return isDuequeError(error, 'PERMISSION_DENIED')
}
