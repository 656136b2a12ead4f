import type { Terminal } from './terminal.js'

type StopReason = 'SIGINT' | 'SIGTERM' | 'output closed' | 'done'

/**
 * Ends a command that runs on and on, for the reason that comes first. A second signal kills the process, as any signal
 * would without this class.
 */
export class Stop {
  readonly #controller = new AbortController()

  constructor(terminal: Terminal) {
    const handlers = (['SIGINT', 'SIGTERM'] as const).map((name) => [name, () => this.now(name)] as const)
    for (const [name, handler] of handlers) process.on(name, handler)
    terminal.onClosed(() => this.now('output closed'))
    this.signal.addEventListener('abort', () => {
      for (const [name, handler] of handlers) process.off(name, handler)
    })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get reason(): StopReason | undefined {
    return this.signal.aborted ? (this.signal.reason as StopReason) : undefined
  }

  now(reason: StopReason): void {
    this.#controller.abort(reason)
  }

  /** Resolves to the reason when the command has to end. */
  async wait(): Promise<StopReason> {
    if (!this.signal.aborted) await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
    return this.reason!
  }
}
