import type { DuequeError } from './errors.js'
import type { Logger } from './logger.js'

/** What happens to the connections. While they are away nothing is lost: schedules wait, consumers come back. */
export interface DuequeEvents {
  /** RabbitMQ takes no more messages for now, because memory or disk are low. */
  blocked: (reason: string) => void
  unblocked: () => void
  disconnected: (error: Error | undefined) => void
  reconnected: () => void
  /** Something that will not mend itself, such as credentials that were revoked. dueque goes on trying. */
  error: (error: DuequeError) => void
}

/** The listeners of one connection. One that throws is logged and harms nobody. */
export class Events {
  readonly #logger: Logger
  readonly #listeners = new Map<keyof DuequeEvents, Set<(...args: never[]) => void>>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Returns what removes the listener. */
  on<E extends keyof DuequeEvents>(event: E, listener: DuequeEvents[E]): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  emit<E extends keyof DuequeEvents>(event: E, ...args: Parameters<DuequeEvents[E]>): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        ;(listener as (...args: unknown[]) => void)(...args)
      } catch (error) {
        this.#logger.error('an event listener threw', { event, error: String(error) })
      }
    }
  }
}
