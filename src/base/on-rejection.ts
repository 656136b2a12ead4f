/** A user's callback may be an async function, also of another realm: what it rejects with would end the process. */
export function onRejection(returned: unknown, listener: (error: unknown) => void): void {
  const promise = returned as Partial<PromiseLike<unknown>> | null | undefined
  if (typeof promise?.then === 'function') promise.then(undefined, listener)
}
