import { DuequeError, errorText, isError, type Outcome } from '../../base/errors.js'

export const STORE = 'redis'

/** Of a command, and of one in a script: Redis 7 and later, and before. */
const DENIED = /NOPERM|ACL failure in script|The user executing the script can't run this command/

/** What Redis itself has answered, and not its client. */
export function isReply(error: unknown): error is Error {
  return isError(error) && (error.name === 'ReplyError' || isOfClass(error, 'ErrorReply'))
}

/** What the client says of a command that it has not sent, and will not send. */
export function isUnsent(error: unknown): boolean {
  if (!isError(error)) return false
  const isOffline = isOfClass(error, 'ClientOfflineError') || isOfClass(error, 'ClientClosedError')
  return isOffline || error.message.startsWith("Stream isn't writeable")
}

export function isNoScript(error: unknown): boolean {
  return isReply(error) && error.message.startsWith('NOSCRIPT')
}

export function isFull(error: unknown): boolean {
  return isReply(error) && error.message.startsWith('OOM')
}

/** Without the client's error itself: it may hold the command's arguments, a password among them. */
export function storeError(what: string, outcome: Outcome, error?: unknown): DuequeError<'STORE_ERROR'> {
  const text = error === undefined ? what : `${what}: ${errorText(error)}`
  const cause = error === undefined ? undefined : new Error(errorText(error))
  const data = { store: STORE, ...(isReply(error) && DENIED.test(error.message) && { denied: true as const }) }
  return new DuequeError('STORE_ERROR', `Redis: ${text}`, data, { outcome, cause })
}

/** By name, for the library is the caller's. */
function isOfClass(error: Error, name: string): boolean {
  let prototype = Object.getPrototypeOf(error) as { constructor: { name: string } } | null
  for (; prototype; prototype = Object.getPrototypeOf(prototype) as typeof prototype)
    if (prototype.constructor.name === name) return true
  return false
}
