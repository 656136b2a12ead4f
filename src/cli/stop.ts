import { EXIT } from './exit.js'
import type { Terminal } from './terminal.js'

type StopReason = 'SIGINT' | 'SIGTERM' | 'output closed' | 'done'

/** A start that does not end in this time ends with the process. */
const END_MS = 2000

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

  /**
   * Waits for a start. If the command has to end meanwhile, it ends well, whatever becomes of the start: nothing has begun that
   * could be finished.
   *
   * @returns undefined if the start has failed because the command has to end
   */
  async started<T>(starting: Promise<T>): Promise<T | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const end = () => (timer = setTimeout(() => process.exit(EXIT.ok), END_MS))
    if (this.signal.aborted) end()
    else this.signal.addEventListener('abort', end)
    try {
      return await starting
    } catch (error) {
      if (!this.signal.aborted) throw error
      return undefined
    } finally {
      clearTimeout(timer)
      this.signal.removeEventListener('abort', end)
    }
  }

  /** Resolves to the reason when the command has to end. */
  async wait(): Promise<StopReason> {
    if (!this.signal.aborted) await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
    return this.reason!
  }
}
