import { AsyncLocalStorage } from 'node:async_hooks'
import { DuequeError } from '../base/errors.js'

/** A handler that runs. Its code, and all that this starts, can find out that it belongs to it. */
export interface RunningHandler {
  /** The connection whose consumer runs it. */
  readonly connection: object
  readonly consumer: object
  readonly queue: string
  readonly id: string
  isOver: boolean
}

const contexts = new AsyncLocalStorage<RunningHandler>()

/** The handler that the caller belongs to. A timer that goes on after its handler belongs to none. */
export function runningHandler(): RunningHandler | undefined {
  const handler = contexts.getStore()
  return handler?.isOver ? undefined : handler
}

/** Runs `handle` as a part of the handler. The caller sets `isOver` when it has ended. */
export function runAs<T>(handler: RunningHandler, handle: () => T): T {
  return contexts.run(handler, handle)
}

/**
 * Refuses to let a handler await a close that waits for the handler. The close goes on: only the returned promise rejects,
 * and it need not be awaited.
 *
 * @param failed called if the close fails later
 */
export function closingInHandler(
  { queue, id }: RunningHandler,
  closing: Promise<void>,
  failed: (error: unknown) => void,
): Promise<never> {
  closing.catch(failed)
  const message =
    `close() waits for running handlers, so the handler of message ${id} in queue ${queue} cannot await it. ` +
    'The close has begun and goes on: call close() without await in a handler, or await it outside of handlers'
  const refused = Promise.reject<never>(new DuequeError('CLOSE_IN_HANDLER', message, { queue, id }))
  refused.catch(() => undefined)
  return refused
}
