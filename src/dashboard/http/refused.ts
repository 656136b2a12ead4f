/** An answer other than what was asked for, with its status and the code of a `Failure`. */
export class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
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
