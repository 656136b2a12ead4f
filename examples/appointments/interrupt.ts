import { once } from 'node:events'

const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt.abort())

/** Aborted when somebody stops the demo. */
export const { signal } = interrupt

const stopped = once(signal, 'abort').then(() => Promise.reject(new Error('interrupted')))
stopped.catch(() => undefined) // for those who wait for it

export function unlessStopped<T>(promise: Promise<T>): Promise<T> {
  return Promise.race([promise, stopped])
}
