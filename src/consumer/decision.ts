import { checkNames } from '../base/checks.js'
import { resolveDue } from '../message/due.js'
import type { Duration } from '../message/duration.js'
import { DuequeError, invalidOption } from '../base/errors.js'

/** A handler's decision about its message, beside returning or throwing. */
export type Decision =
  | { readonly kind: 'retry'; /** Milliseconds; by the policy if missing. */ readonly delayMs: number | undefined }
  | { readonly kind: 'dead'; readonly reason: string }

interface RetryOptions {
  in?: Duration | undefined
}

const RETRY_OPTIONS: Record<keyof RetryOptions, true> = { in: true }

/** Takes the first decision about one delivery. Refuses a second one, and one after the handler has ended. */
export class Decider {
  readonly #maxDelayMs: number
  #decision: Decision | undefined
  #isOver = false

  constructor(maxDelayMs: number) {
    this.#maxDelayMs = maxDelayMs
  }

  /** @throws DuequeError `ALREADY_DECIDED`, `INVALID_DUE`, `DELAY_OUT_OF_RANGE`, `INVALID_OPTION` */
  retry(options: RetryOptions = {}): void {
    checkNames(options, RETRY_OPTIONS)
    const { in: delay } = options
    const delayMs = delay === undefined ? undefined : resolveDue({ in: delay }, 0, this.#maxDelayMs)
    this.#decide({ kind: 'retry', delayMs })
  }

  /** @throws DuequeError `ALREADY_DECIDED`, `INVALID_OPTION` */
  deadLetter(reason: string): void {
    if (typeof reason !== 'string') throw invalidOption('reason', 'a text', reason)
    this.#decide({ kind: 'dead', reason })
  }

  /** Returns the decision. From now on every other is refused. */
  end(): Decision | undefined {
    this.#isOver = true
    return this.#decision
  }

  #decide(decision: Decision): void {
    if (this.#isOver) throw new DuequeError('ALREADY_DECIDED', 'the handler has ended', {})
    if (this.#decision) throw new DuequeError('ALREADY_DECIDED', `already decided: ${this.#decision.kind}`, {})
    this.#decision = decision
  }
}
