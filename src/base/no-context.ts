import { AsyncResource } from 'node:async_hooks'

/** Made as the module is loaded: the asynchronous context of no caller. */
const none = new AsyncResource('dueque')

/**
 * Runs work that belongs to no caller, such as a publish for many of them: an instrumentation takes it for a part of no trace,
 * not even of that in which it happens to start.
 */
export function inNoContext<T>(work: () => T): T {
  return none.runInAsyncScope(work)
}
