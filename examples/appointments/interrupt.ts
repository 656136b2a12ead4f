import { once } from 'node:events'

const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt.abort())

/** Aborted when somebody stops the demo. */
export const { signal } = interrupt

export function unlessStopped<T>(promise: Promise<T>): Promise<T> {
  const stopped = once(signal, 'abort').then(() => Promise.reject(new Error('interrupted')))
  return signal.aborted ? stopped : Promise.race([promise, stopped])
}
