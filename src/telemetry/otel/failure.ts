import { diag, type Attributes } from '@opentelemetry/api'
import { isDuequeError } from '../../base/errors.js'
import { ATTRIBUTE } from './names.js'

/** Why an operation has failed. */
export interface Failure {
  readonly error: unknown
  /** For `error.type`: one of few texts, for metrics. */
  readonly type: string
}

/**
 * Calls `done` when the outcome is known. Whatever that throws goes to OpenTelemetry's own log.
 *
 * @returns the same promise: one that is derived from it would be watched
 */
export function observed<T>(
  outcome: Promise<T>,
  done: (failure: Failure | undefined, value: T | undefined) => void,
): Promise<T> {
  outcome.then(
    (value) => safely(done, undefined, value),
    (error: unknown) => safely(done, { error, type: errorType(error) }, undefined),
  )
  return outcome
}

function safely<T>(
  done: (failure: Failure | undefined, value: T | undefined) => void,
  failure: Failure | undefined,
  value: T | undefined,
): void {
  try {
    done(failure, value)
  } catch (error) {
    diag.error('dueque: the end of an operation could not be recorded', error)
  }
}

/** The code of dueque's errors, else the name of the error's class. */
export function errorType(error: unknown): string {
  if (isDuequeError(error)) return error.code
  try {
    const { name } = error as { name?: unknown }
    // Otherwise it may be any text, and no type.
    if (typeof name === 'string' && /^[A-Za-z_$][\w$.]{0,99}$/.test(name)) return name
  } catch {
    // Something that cannot be looked at.
  }
  return '_OTHER'
}

/** Attributes of a metric, also of a failure. */
export function withError(attributes: Attributes, failure: Failure | undefined): Attributes {
  return failure ? { ...attributes, [ATTRIBUTE.errorType]: failure.type } : attributes
}
