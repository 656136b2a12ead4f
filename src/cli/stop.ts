import type { Terminal } from './terminal.js'

type StopReason = 'SIGINT' | 'SIGTERM' | 'output closed' | 'done'

/**
 * Why a command that goes on and on comes to its end: the first reason counts. A second signal kills the process, as it
 * would have without us.
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

  /** Resolves when it is time. */
  async wait(): Promise<StopReason> {
    if (!this.signal.aborted) await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
    return this.reason!
  }
}
