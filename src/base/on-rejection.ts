import { isThenable } from './is-thenable.js'

/** A user's callback may be an async function, also of another realm: what it rejects with would end the process. */
export function onRejection(returned: unknown, listener: (error: unknown) => void): void {
  if (isThenable(returned)) returned.then(undefined, listener)
}
