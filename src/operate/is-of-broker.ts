import type { DuequeError } from '../base/errors.js'

/** Whether an error is a fault of the broker, and not of one message: the next message would meet it, too. */
export function isOfBroker({ code }: DuequeError): boolean {
  return code === 'PUBLISH_TIMEOUT' || code === 'CLOSED' || code === 'UNREACHABLE'
}
