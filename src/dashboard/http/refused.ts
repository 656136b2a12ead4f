/** An answer other than what was asked for, with its status and the code of a `Failure`. */
export class Refused extends Error {
  readonly status: number
  readonly code: string
  /** Of a {@link countChanged}. */
  readonly found: number | undefined

  constructor(status: number, code: string, message: string, found?: number) {
    super(message)
    this.status = status
    this.code = code
    this.found = found
  }
}

/** More or fewer messages fit than were confirmed. */
export function countChanged(found: number, expected: number): Refused {
  const message = `${found} messages fit now: ${expected} were confirmed`
  return new Refused(409, 'COUNT_CHANGED', message, found)
}

export function badRequest(message: string): Refused {
  return new Refused(400, 'BAD_REQUEST', message)
}

export function notFound(message: string): Refused {
  return new Refused(404, 'NOT_FOUND', message)
}

export function notAllowed(message: string): Refused {
  return new Refused(403, 'NOT_ALLOWED', message)
}
