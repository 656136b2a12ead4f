import { checkNames } from '../base/checks.js'
import { resolveDue } from '../message/due.js'
import { DuequeError, invalidOption } from '../base/errors.js'

/** What a handler decided about its message, other than by returning or throwing. */
export type Decision =
  | { readonly kind: 'retry'; /** Milliseconds; by the policy if missing. */ readonly delayMs: number | undefined }
  | { readonly kind: 'dead'; readonly reason: string }

interface RetryOptions {
  in?: number | string | undefined
}

const RETRY_OPTIONS: Record<keyof RetryOptions, true> = { in: true }

/** Takes the first decision of one delivery and refuses all others, also those after the handler has ended. */
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

  /** What was decided. Nothing can be decided any more. */
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
