import { AsyncLocalStorage } from 'node:async_hooks'
import { DuequeError } from '../base/errors.js'

/** A handler that runs. Its code, and everything that this starts, can tell that it is a part of it. */
export interface RunningHandler {
  /** The connection whose consumer runs it. */
  readonly connection: object
  readonly consumer: object
  readonly queue: string
  readonly id: string
  isOver: boolean
}

const contexts = new AsyncLocalStorage<RunningHandler>()

/** The handler that the caller is a part of, until it has ended: a timer that goes on after it is a part of nothing. */
export function runningHandler(): RunningHandler | undefined {
  const handler = contexts.getStore()
  return handler?.isOver ? undefined : handler
}

/** Runs `handle` as the handler's. The caller says when it is over. */
export function runAs<T>(handler: RunningHandler, handle: () => T): T {
  return contexts.run(handler, handle)
}

/**
 * What a close answers in a handler that it waits for. The close goes on: only this promise rejects, and it need not be
 * awaited.
 *
 * @param failed hears of a close that fails later
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
